import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../app/apiserver/definitions.ts';
import { testApi, type TestApi } from '../api.test-support.ts';
import { internalWrite } from '../api-context.ts';
import type { ApiError } from '../api-error.ts';
import { evict } from './evict.ts';
import { patch } from './patch.ts';

const definitions = loadDefinitions();

/** A pod `p` that runs, and budgets for it. */
function apiWith({ ready = 'True', budgets = ['b'], spec = {} } = {}): TestApi {
  const api = testApi(definitions);
  const metadata = { name: 'p', labels: { app: 'x' } };
  api.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'c', image: 'nginx' }] } });
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] };
  patch(api.context, api.target('Pod', 'p'), 'merge', { status }, 'status', internalWrite());
  const selector = { matchExpressions: [{ key: 'app', operator: 'In', values: ['x'] }] };
  for (const name of budgets)
    api.create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { selector, minAvailable: 1, ...spec },
    });
  return api;
}

const allow = (api: TestApi, status: object): void => {
  const whole = { observedGeneration: 1, expectedPods: 2, desiredHealthy: 1, currentHealthy: 1, ...status };
  patch(
    api.context,
    api.target('PodDisruptionBudget', 'b'),
    'merge',
    { status: whole } as never,
    'status',
    internalWrite(),
  );
};

function evicted(api: TestApi, body: object = {}): ApiError | undefined {
  try {
    evict(api.context, api.target('Pod', 'p'), body as never);
    return undefined;
  } catch (error) {
    return error as ApiError;
  }
}

describe('an eviction', () => {
  it('is refused while the budget allows none, and says which it is', () => {
    const api = apiWith();
    allow(api, { disruptionsAllowed: 0 });
    const { code, status } = evicted(api)!;
    expect(code).toBe('TooManyRequests');
    expect(status.details?.causes).toEqual([
      { reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 1 currently' },
    ]);
  });

  it('waits until the budget’s controller has seen its newest version', () => {
    const api = apiWith();
    expect(evicted(api)!.status.details?.causes?.[0]?.message).toContain('still being processed');
  });

  it('counts at once, so that a second one finds nothing left', () => {
    const api = apiWith();
    api.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'q', labels: { app: 'x' } },
      spec: { containers: [{ name: 'c', image: 'nginx' }] },
    });
    allow(api, { disruptionsAllowed: 1, currentHealthy: 2 });
    // As kubectl drain --dry-run=server asks.
    expect(evicted(api, { deleteOptions: { dryRun: ['All'] } })).toBeUndefined();
    expect(api.stored('Pod', 'p')).toBeDefined();
    expect(evicted(api)).toBeUndefined();
    expect(api.stored('PodDisruptionBudget', 'b')).toMatchObject({
      status: { disruptionsAllowed: 0, disruptedPods: { p: expect.any(String) as string } },
    });
  });

  it('of a pod that is not healthy takes nothing off a budget that has enough', () => {
    const api = apiWith({ ready: 'False' });
    allow(api, { disruptionsAllowed: 0 });
    expect(evicted(api)).toBeUndefined();
  });

  it('of a pod that is not healthy waits where the budget lacks pods, unless that always lets it', () => {
    const lacking = { disruptionsAllowed: 0, currentHealthy: 0 };
    const api = apiWith({ ready: 'False' });
    allow(api, lacking);
    expect(evicted(api)?.code).toBe('TooManyRequests');
    const always = apiWith({ ready: 'False', spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
    allow(always, lacking);
    expect(evicted(always)).toBeUndefined();
  });

  it('is impossible where two budgets have the pod', () => {
    expect(evicted(apiWith({ budgets: ['b', 'c'] }))?.code).toBe('InternalError');
  });

  it('of a pod that has ended asks no budget', () => {
    const api = apiWith();
    patch(api.context, api.target('Pod', 'p'), 'merge', { status: { phase: 'Succeeded' } }, 'status', internalWrite());
    expect(evicted(api)).toBeUndefined();
  });
});
