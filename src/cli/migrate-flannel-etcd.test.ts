import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testCluster } from '../app/apiserver/kubectl.test-support.ts';
import { EtcdServer } from '../host/etcd/etcd.test-support.ts';
import { runCli } from './run-cli.test-support.ts';

const PREFIX = '/coreos.com/network';

const flannel = (args: readonly string[]) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-flannel-ds', namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { app: 'flannel' } },
    template: {
      metadata: { labels: { app: 'flannel' } },
      spec: { hostNetwork: true, containers: [{ name: 'kube-flannel', image: 'flannel', args }] },
    },
  },
});

interface Printed {
  readonly blockers: readonly { readonly code: string; readonly remedy: string }[];
  readonly settings: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly id: string }[];
}

it('reads what flannel keeps in a real etcd, says what is missing there, and plans with it', async () => {
  await using server = await EtcdServer.start();
  await using cluster = await testCluster();
  const endpoints = server.endpoint;
  const migrate = (...args: readonly string[]) =>
    runCli('migrate', 'from-flannel', '--kubeconfig', join(cluster.directory, 'kubeconfig'), ...args);
  const plan = async (): Promise<Printed> => JSON.parse((await migrate('-o', 'json')).out) as Printed;
  const codes = async (): Promise<readonly string[]> => (await plan()).blockers.map(({ code }) => code);
  await cluster.kubectl(['create', 'namespace', 'kube-system']);
  const args = ['--ip-masq', `--etcd-endpoints=${endpoints}`, '--etcd-username=flannel', '--etcd-cafile=/ca'];
  await cluster.ok(['create', '-f', '-'], JSON.stringify(flannel(args)));
  await cluster.ok(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }));
  const status = {
    addresses: [{ type: 'InternalIP', address: '172.30.1.11' }],
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await cluster.ok(['patch', 'node', 'n1', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
  expect(await codes()).toEqual(['leases', 'etcd-certificates', 'etcd-user', 'net-conf']);

  // Each remedy is a command, and does what it says.
  const pem = join(cluster.directory, 'pem');
  writeFileSync(pem, 'x');
  for (const { code, remedy } of (await plan()).blockers)
    if (remedy.startsWith('kubectl')) {
      const words = remedy
        .replaceAll(/=\w+\.pem/gu, `=${pem}`)
        .split(' ')
        .slice(1);
      expect([code, await cluster.ok(words)]).toEqual([code, expect.stringContaining('created')]);
    }
  expect(await codes()).toEqual(['leases', 'net-conf']);
  server.ctl('put', `${PREFIX}/config`, '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}');
  expect(await codes()).toEqual(['leases']);
  const mac = { VNI: 1, VtepMAC: '02:00:00:00:00:01' };
  const lease = { PublicIP: '172.30.1.11', PublicIPv6: null, BackendType: 'vxlan', BackendData: mac };
  server.ctl('put', `${PREFIX}/subnets/10.244.1.0-24`, JSON.stringify(lease));
  const { blockers, settings, steps } = await plan();
  expect(blockers).toEqual([]);
  expect(settings).toMatchObject({
    flannel_etcd_endpoints: endpoints,
    flannel_etcd_ca_cert_file: '/calico-secrets/etcd-ca',
    ipv4_pool_cidr: '10.244.0.0/16',
  });
  expect(steps.map(({ id }) => id)).toContain('n1/leave');
  expect((await migrate('--manifest')).out).toContain(`flannel_etcd_endpoints: ${endpoints}`);

  // Without etcd there is no plan, and the message says what to do; going back needs none.
  await server.kill();
  const failed = await migrate();
  expect(failed).toMatchObject({ code: 2, out: '' });
  expect(failed.err).toMatch(/cannot read flannel's leases in etcd at .*ETCD_ENDPOINTS, ETCD_CA_CERT_FILE/su);
  expect((await migrate('--undo')).code).toBe(0);
});
