import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './harness.ts';
import { describeFailures } from './failures.ts';
import { describeIngress } from './ingress.ts';
import { describeLiveChanges } from './live-changes.ts';
import { describePolicyKinds } from './policy-kinds.ts';
import { describeServices } from './services.ts';
import { describeWorkloads } from './workloads.ts';

describe('a running cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'vxlan', ipFamily: 'dual' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('has every node ready, and is refused a second time under the same name', async () => {
    expect((await cluster.ok('get nodes --no-headers')).match(/ Ready /gu)).toHaveLength(3);
    const again = await cluster.sluice('up', '--name', cluster.name);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('is running already');
  });

  describeWorkloads(() => cluster);
  describeLiveChanges(() => cluster);
  describePolicyKinds(() => cluster);
  describeServices(() => cluster);
  describeIngress(() => cluster);
  describeFailures(() => cluster);
});
