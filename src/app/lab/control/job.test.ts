import { describe, expect, it } from 'vitest';
import { jobController } from './job.ts';
import type { Kinds } from './objects.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

function job(spec: Partial<NonNullable<Kinds['jobs']['spec']>> = {}): Kinds['jobs'] {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main' }] } };
  return { metadata: { name: 'j', namespace: 'default' }, spec: { template, ...spec } };
}

/** Ends every pod that runs in the given phase and lets the controller see it. */
function end(made: SimulatedCluster, phase: 'Succeeded' | 'Failed'): void {
  for (const pod of made.list('pods')) {
    if (pod.status === undefined)
      made.update('pods', `default/${pod.metadata.name}`, (held) => ({ ...held, status: { phase } }));
  }
  made.settle();
}

function cluster(spec?: Parameters<typeof job>[0]): SimulatedCluster {
  const made = new SimulatedCluster([jobController]);
  made.create('jobs', job(spec));
  made.settle();
  return made;
}

describe('a Job', () => {
  it('is complete after its pod has succeeded, and says so without undefined fields', () => {
    const made = cluster();
    expect(made.list('jobs')[0]?.status).toMatchObject({ active: 1 });
    end(made, 'Succeeded');
    const status = made.list('jobs')[0]?.status;
    expect(status).toMatchObject({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] });
    expect(Object.hasOwn(status!, 'active')).toBe(false);
    expect(made.list('pods')).toHaveLength(1);
  });

  it('runs no more pods at once than it may, until it has its completions', () => {
    const made = cluster({ completions: 5, parallelism: 2 });
    const running = (): number => made.list('pods').filter((pod) => pod.status === undefined).length;
    for (const left of [2, 2, 1]) {
      expect(running()).toBe(left);
      end(made, 'Succeeded');
    }
    expect(made.list('jobs')[0]?.status).toMatchObject({ succeeded: 5, conditions: [{ type: 'Complete' }] });
  });

  it('tries again after a failure, and gives up beyond its limit', () => {
    const made = cluster({ backoffLimit: 1 });
    end(made, 'Failed');
    expect(made.list('pods')).toHaveLength(2);
    end(made, 'Failed');
    expect(made.list('jobs')[0]?.status?.conditions?.[0]).toMatchObject({
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
    });
    expect(made.list('pods')).toHaveLength(2);
  });
});
