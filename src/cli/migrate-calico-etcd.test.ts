import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testCluster } from '../app/apiserver/kubectl.test-support.ts';
import { EtcdServer } from '../host/etcd/etcd.test-support.ts';
import { runCli } from './run-cli.test-support.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';

/** As Calico's manifest for etcd has it. */
function calico(endpoints: string): object {
  const of = (key: string) => ({ valueFrom: { configMapKeyRef: { name: 'calico-config', key } } });
  const env = [
    { name: 'ETCD_ENDPOINTS', ...of('etcd_endpoints') },
    { name: 'ETCD_CA_CERT_FILE', ...of('etcd_ca') },
    { name: 'ETCD_CERT_FILE', ...of('etcd_cert') },
    { name: 'CALICO_NETWORKING_BACKEND', ...of('calico_backend') },
  ];
  const data = { etcd_endpoints: endpoints, etcd_ca: '/calico-secrets/etcd-ca', etcd_cert: '', calico_backend: 'bird' };
  const labels = { 'k8s-app': 'calico-node' };
  const spec = { hostNetwork: true, containers: [{ name: 'calico-node', image: 'calico/node', env }] };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'calico-config', namespace: 'kube-system' }, data },
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'calico-node', namespace: 'kube-system', labels },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      },
    ],
  };
}

interface Printed {
  readonly blockers: readonly { readonly code: string }[];
  readonly remarks: readonly string[];
}

it("plans with what is in Calico's etcd, tells Sluice's agents of it, and takes that back", async () => {
  await using server = await EtcdServer.start();
  await using cluster = await testCluster();
  const migrate = (...args: readonly string[]) =>
    runCli('migrate', 'from-calico', '--kubeconfig', join(cluster.directory, 'kubeconfig'), ...args);
  const plan = async (): Promise<Printed> => JSON.parse((await migrate('-o', 'json')).out) as Printed;
  const codes = async (): Promise<readonly string[]> => (await plan()).blockers.map(({ code }) => code);
  await cluster.kubectl(['create', 'namespace', 'kube-system']);
  await cluster.ok(['create', '-f', '-'], JSON.stringify(calico(server.endpoint)));

  expect(await codes()).toEqual([]);
  expect((await plan()).remarks[0]).toContain('WorkloadEndpoints');
  // What is read is what is there: a pool that the plan refuses, a setting, and addresses that are kept back.
  const put = (path: string, object: object): string =>
    server.ctl('put', `${RESOURCES}/${path}`, JSON.stringify({ apiVersion: 'projectcalico.org/v3', ...object }));
  const pool = { kind: 'IPPool', metadata: { name: 'six' }, spec: { cidr: 'fd00:10:244::/56', vxlanMode: 'Always' } };
  put('ippools/six', pool);
  put('felixconfigurations/default', {
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: { wireguardEnabled: true },
  });
  const reservation = { kind: 'IPReservation', metadata: { name: 'gateways' }, spec: { reservedCIDRs: ['10.0.0.1'] } };
  put('ipreservations/gateways', reservation);
  expect(await codes()).toEqual(['wireguard', 'ipv6-vxlan', 'reservations']);
  server.ctl('del', '--prefix', `${RESOURCES}/`);

  const configs = () => cluster.ok(['-n', 'kube-system', 'get', 'configmaps', '-o', 'name']);
  // Nothing runs Deployments here, so it stops where it waits for one.
  expect((await migrate('--apply', '--timeout', '0.1')).err).toMatch(/^Stopped at step install/u);
  const told = await cluster.ok(['-n', 'kube-system', 'get', 'cm', 'sluice-datastore', '-o', 'jsonpath={.data}']);
  expect(JSON.parse(told)).toEqual({
    DATASTORE_TYPE: 'etcdv3',
    ETCD_ENDPOINTS: server.endpoint,
    ETCD_CA_CERT_FILE: '/calico-secrets/etcd-ca',
  });
  await server.kill();
  const failed = await migrate();
  expect(failed).toMatchObject({ code: 2, out: '' });
  expect(failed.err).toMatch(/cannot read Calico's objects in etcd at .*ETCD_ENDPOINTS, ETCD_CA_CERT_FILE/su);
  expect((await migrate('--undo')).code).toBe(0);
  expect(await configs()).not.toContain('sluice');

  // A ConfigMap of the same name that says otherwise is not written over.
  await server.start();
  const other = ['-n', 'kube-system', 'create', 'configmap', 'sluice-datastore', '--from-literal=DATASTORE_TYPE=x'];
  await cluster.ok(other);
  expect(await codes()).toEqual(['datastore']);
});
