import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, TestCluster } from './harness.ts';

/** etcd as a program on the first node, as where it runs beside a control plane. */
const etcdPod = (address: string): string => `apiVersion: v1
kind: Pod
metadata: { name: etcd, namespace: kube-system }
spec:
  hostNetwork: true
  nodeName: e2e-node-1
  tolerations: [{ operator: Exists }]
  containers:
    - name: etcd
      image: busybox
      command: [etcd, --data-dir, /tmp/etcd, --listen-client-urls, 'http://${address}:2379,http://127.0.0.1:2379',
        --advertise-client-urls, 'http://${address}:2379', --listen-peer-urls, 'http://127.0.0.1:2380',
        --initial-advertise-peer-urls, 'http://127.0.0.1:2380', --initial-cluster, 'default=http://127.0.0.1:2380']
`;

describe('a running cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-datastore-'));
  let cluster: TestCluster;
  let endpoint: string;

  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 2 });
    const address = await cluster.ok(`get node e2e-node-1 -o jsonpath={.status.addresses[0].address}`);
    endpoint = `http://${address}:2379`;
    await cluster.apply(etcdPod(address));
    await cluster.ok('run one --image=nginx --port=80');
    await cluster.ok('run two --image=nginx --port=80');
    await cluster.ready('default', 'kube-system');
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const migrate = (...args: readonly string[]) =>
    cluster.sluice('datastore', 'migrate', ...args, '--name', cluster.name);
  const migrateEtcd = (...args: readonly string[]) =>
    besideEtcd(endpoint, process.execPath, join(ROOT, 'src/cli/main.ts'), 'datastore', 'migrate', ...args);
  const etcdctl = (...args: readonly string[]): string => besideEtcd(endpoint, 'etcdctl', ...args).stdout;

  it('moves to etcd and keeps every address, and new pods wait meanwhile', async () => {
    const file = join(directory, 'calico.export');
    const addresses = [await cluster.address('default/one'), await cluster.address('default/two')];
    expect((await migrate('export')).stderr).toContain("run 'sluice datastore migrate lock' first");
    expect(await migrate('lock')).toMatchObject({ code: 0 });
    await cluster.ok('run three --image=nginx --port=80');
    const exported = await migrate('export');
    expect(exported.code, exported.stderr).toBe(0);
    writeFileSync(file, exported.stdout);
    const imported = migrateEtcd('import', '-f', file);
    expect(imported.code, imported.stderr).toBe(0);
    expect(imported.stderr).toContain('all as in the file');
    const again = migrateEtcd('import', '-f', file);
    expect(again.stderr).toContain('0 created');

    const literals = `--from-literal=DATASTORE_TYPE=etcdv3 --from-literal=ETCD_ENDPOINTS=${endpoint}`;
    await cluster.ok(`create configmap sluice-datastore -n kube-system ${literals}`);
    await cluster.ok('delete pod -n kube-system -l k8s-app=sluice-node');
    await cluster.ok('delete pod -n kube-system -l k8s-app=sluice-controllers');
    await expect.poll(() => cluster.ok('get pods -n kube-system')).not.toMatch(/0\/1/);
    await expect.poll(() => cluster.reaches('default/one', 'default/two', 80)).toBe(true);
    const waiting = await cluster.pod('default/three');
    expect([waiting.status?.phase, waiting.status?.podIP]).toEqual(['Pending', undefined]);

    expect(migrateEtcd('unlock')).toMatchObject({ code: 0 });
    await cluster.ready('default', 'kube-system');
    const now = [await cluster.address('default/one'), await cluster.address('default/two')];
    expect(now).toEqual(addresses);
    expect(addresses).not.toContain(await cluster.address('default/three'));
    expect(etcdctl('get', '--prefix', '/calico/ipam/v2/assignment/')).toContain('"pod":"three"');
    // Where Calico's tools look for nodes.
    const nodes = '/calico/resources/v3/projectcalico.org/nodes/';
    for (const node of ['e2e-node-1', 'e2e-node-2'])
      await expect.poll(() => etcdctl('get', nodes + node)).toMatch(/"ipv4VXLANTunnelAddr":"10\.244\./);
  });

  it('enforces policies that are in etcd', async () => {
    const key = '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/default.deny';
    const spec = { selector: "run == 'two'", types: ['Ingress'] };
    const apiVersion = 'projectcalico.org/v3';
    etcdctl(
      'put',
      key,
      JSON.stringify({ kind: 'GlobalNetworkPolicy', apiVersion, metadata: { name: 'default.deny' }, spec }),
    );
    await expect.poll(() => cluster.reaches('default/one', 'default/two', 80)).toBe(false);
    etcdctl('del', key);
    await expect.poll(() => cluster.reaches('default/one', 'default/two', 80)).toBe(true);
  });

  it('mixes no two datastores', async () => {
    expect(migrateEtcd('lock')).toMatchObject({ code: 0 });
    const file = join(directory, 'back.export');
    writeFileSync(file, migrateEtcd('export').stdout);
    const { code, stderr } = await migrate('import', '-f', file);
    expect([code, stderr]).toEqual([2, expect.stringContaining('nothing was imported, because the datastore has')]);
    const damaged = join(directory, 'damaged.export');
    writeFileSync(damaged, readFileSync(file, 'utf8').replaceAll('"pod": "three"', '"pod": "four"'));
    expect(await migrate('import', '-f', damaged)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the file is not as it was exported: ipamblocks'),
    });
  });
});

/** Runs a program where the cluster's etcd can be reached: in its network namespace, with everything else from here. */
function besideEtcd(endpoint: string, ...command: readonly string[]) {
  const user = process.getuid!() === 0 ? [] : ['--user', '--preserve-credentials'];
  const env = {
    ...process.env,
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: endpoint,
    ETCD_ENDPOINTS: endpoint,
    DATASTORE_TYPE: 'etcdv3',
  };
  const args = ['--target', etcdProcess(endpoint), ...user, '--net', '--', ...command];
  const { status, stdout, stderr } = spawnSync('nsenter', args, { env, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** The number of the process that advertises `endpoint`. */
function etcdProcess(endpoint: string): string {
  const found = readdirSync('/proc').find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return program.endsWith('etcd') && args.includes(endpoint);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no etcd serves ${endpoint}`);
  return found;
}
