import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, TestCluster, eventually } from './harness.ts';

/** The commands that mostly answer from files, on a cluster that runs. */
describe('on a running cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 1 });
    await cluster.apply('examples/policy-tests/manifests');
    await cluster.ok('wait --for=condition=Available deployment --all -n shop --timeout=120s');
    await cluster.ok('wait --for=condition=Available deployment --all -n monitoring --timeout=120s');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const live = (...args: readonly string[]) => cluster.sluice(...args, '--live', '--name', cluster.name);

  it('the example of policy tests holds', async () => {
    const { code, stdout, stderr } = await live('test', join(ROOT, 'examples/policy-tests/shop.yaml'));
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  });

  it('reach says what packets do', async () => {
    const { stdout } = await live('reach', '-o', 'json');
    const { endpoints, connections } = JSON.parse(stdout) as {
      readonly endpoints: readonly { readonly name: string; readonly kind: string; readonly hostNetwork?: true }[];
      readonly connections: readonly {
        readonly from: string;
        readonly to: string;
        readonly ports: readonly { readonly protocol: string }[];
      }[];
    };
    const pods = endpoints
      .filter(({ kind, hostNetwork }) => kind === 'pod' && hostNetwork !== true)
      .map(({ name }) => name);
    expect(pods.length).toBeGreaterThan(3);
    const pairs = pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })));
    const predicted = pairs.map(({ from, to }) => {
      const ports = connections.find((each) => each.from === from && each.to === to)?.ports ?? [];
      return { from, to, ping: ports.some(({ protocol }) => protocol === 'ICMP') };
    });
    const real = await Promise.all(
      pairs.map(async ({ from, to }) => ({ from, to, ping: await cluster.reaches(from, to) })),
    );
    expect(real).toEqual(predicted);
  });

  it('ipam shows, checks and releases addresses, of which pods choose their own', async () => {
    const ipam = (...args: readonly string[]) => cluster.sluice('ipam', ...args, '--name', cluster.name);
    const manifests = `
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: { name: own }
spec: { cidr: 10.77.0.0/24, assignmentMode: Manual, vxlanMode: Always, natOutgoing: true }
---
apiVersion: v1
kind: Pod
metadata: { name: fixed, annotations: { cni.projectcalico.org/ipAddrs: '["10.77.0.200"]' } }
spec: { containers: [{ name: main, image: nginx }] }
`;
    await cluster.ok('create -f -', manifests);
    await cluster.ok('wait --for=condition=Ready pod/fixed --timeout=120s');
    expect(await cluster.ok("get pod fixed -o 'jsonpath={.status.podIP}'")).toBe('10.77.0.200');
    const shown = await ipam('show', '--ip', '10.77.0.200');
    expect(shown.stdout).toContain('10.77.0.200 is held for pod default/fixed on');
    expect((await ipam('show', '--show-blocks')).stdout).toMatch(/^IPPool +own +10\.77\.0\.0\/24 +- +256 +1 /m);
    const refused = await ipam('release', '--ip', '10.77.0.200');
    expect(refused.stdout).toContain('which exists; --force releases it all the same');
    expect(refused.code).toBe(1);
    await cluster.ok('delete pod fixed --wait=true');
    await eventually(async () => {
      const { code, stdout } = await ipam('check');
      if (code !== 0) throw new Error(stdout);
    });
  });

  it('kubectl sluice asks the cluster of the current context', () => {
    const env = {
      ...cluster.env,
      KUBECONFIG: cluster.lab.paths.kubeconfig,
      PATH: `${join(ROOT, 'deploy')}:${process.env['PATH']}`,
    };
    const { status, stdout, stderr } = spawnSync(
      'kubectl',
      ['sluice', 'check', '-n', 'shop', 'deployment/web', 'service/db', '--port', '5432'],
      { env, encoding: 'utf8' },
    );
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  });
});
