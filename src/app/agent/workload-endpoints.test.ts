import { beforeEach, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { lendEtcd } from '../../host/etcd/lend-etcd.test-support.ts';
import { etcdKubeClient } from '../../host/etcd/kube-client.ts';
import type { Etcd } from '../../host/etcd/types.ts';
import { setLocked } from '../../host/datastore/migration.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { KnownPod } from './cluster-feed.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { WorkloadEndpoints } from './workload-endpoints.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/workloadendpoints';
const KEY = `${ROOT}/shop/node--1-k8s-web--0-eth0`;

let etcd: Etcd;
let client: KubeClient;
let records: EndpointRecord[];
const pods = new Map<string, KnownPod>();
lendEtcd((lent) => ({ etcd } = lent));
beforeEach(async () => {
  await etcd.delete({ prefix: '/calico/' });
  client = etcdKubeClient({ etcd, heedsLock: true, report: (message) => expect.fail(message) });
  records = [record('container-1', 'slc1')];
  pods.set('shop/web-0', pod({ app: 'web' }));
});

const pod = (labels: Readonly<Record<string, string>>): KnownPod => ({
  kind: 'pod',
  key: 'shop/web-0',
  namespace: 'shop',
  name: 'web-0',
  labels,
  node: 'node-1',
  addresses: [],
  hostNetwork: false,
  completed: false,
  ready: true,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  serviceAccount: 'seller',
  uid: 'u',
  addressing: {},
});
const record = (containerId: string, link: string): EndpointRecord => ({
  id: containerId,
  network: 'k8s-pod-network',
  containerId,
  ifname: 'eth0',
  netns: '',
  namespace: 'shop',
  pod: 'web-0',
  interface: link,
  mac: '02:00:00:00:00:01',
  mtu: 1450,
  addresses: ['10.244.1.7', 'fd00:10:244:1::7'].map((address) => parseIp(address)!),
});
const endpoints = () =>
  new WorkloadEndpoints('node-1', { client, records: () => records, pods: () => pods, log: silentLogger });
const stored = async () => {
  const { items } = await etcd.range({ prefix: ROOT });
  return Object.fromEntries(items.map(({ key, value }) => [key, JSON.parse(value) as { metadata: object }]));
};

it("says of a pod in etcd what Calico's plugin would say there, and takes it back with the pod", async () => {
  const mine = endpoints();
  await mine.settle();
  const { [KEY]: endpoint, ...others } = await stored();
  expect(others).toEqual({});
  expect(endpoint).toMatchObject({
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: {
      name: 'node--1-k8s-web--0-eth0',
      namespace: 'shop',
      labels: {
        app: 'web',
        'projectcalico.org/namespace': 'shop',
        'projectcalico.org/orchestrator': 'k8s',
        'projectcalico.org/serviceaccount': 'seller',
      },
    },
    spec: {
      orchestrator: 'k8s',
      node: 'node-1',
      containerID: 'container-1',
      pod: 'web-0',
      endpoint: 'eth0',
      serviceAccountName: 'seller',
      interfaceName: 'slc1',
      mac: '02:00:00:00:00:01',
      ipNetworks: ['10.244.1.7/32', 'fd00:10:244:1::7/128'],
      profiles: ['kns.shop', 'ksa.shop.seller'],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    },
  });
  // Nothing is written that is there.
  const revision = (await etcd.range({ key: KEY })).items[0]!.modRevision;
  await mine.settle();
  await endpoints().settle();
  expect((await etcd.range({ key: KEY })).items[0]!.modRevision).toBe(revision);
  pods.set('shop/web-0', pod({ app: 'web', tier: 'front' }));
  mine.changed();
  await mine.settle();
  expect((await stored())[KEY]?.metadata).toMatchObject({ labels: { tier: 'front' } });
  records = [];
  await mine.settle();
  expect(await stored()).toEqual({});
});

it("leaves Calico's own alone, finds what an agent before has left, and takes back all when the node goes", async () => {
  const calico = (node: string, link: string) => JSON.stringify({ metadata: {}, spec: { node, interfaceName: link } });
  const others = {
    [`${ROOT}/shop/node--1-k8s-old-eth0`]: calico('node-1', 'cali1'),
    [`${ROOT}/shop/x`]: calico('node-2', 'slc9'),
  };
  for (const [key, value] of Object.entries(others)) await etcd.put(key, value);
  // The pod's sandbox of before, by Calico's plugin.
  await etcd.put(KEY, calico('node-1', 'cali2'));
  await etcd.put(`${ROOT}/shop/node--1-k8s-gone-eth0`, calico('node-1', 'slc2'));
  const mine = endpoints();
  await mine.settle();
  expect(Object.keys(await stored()).sort()).toEqual([KEY, ...Object.keys(others)].sort());
  expect((await stored())[KEY]).toMatchObject({ spec: { interfaceName: 'slc1' } });
  await mine.withdraw();
  expect(Object.keys(await stored()).sort()).toEqual(Object.keys(others).sort());
});

it('waits while the datastore is locked', async () => {
  await setLocked(etcdKubeClient({ etcd, heedsLock: false, report: () => undefined }), true);
  const mine = endpoints();
  await mine.settle();
  expect(await stored()).toEqual({});
  await setLocked(etcdKubeClient({ etcd, heedsLock: false, report: () => undefined }), false);
  await mine.settle();
  expect(Object.keys(await stored())).toEqual([KEY]);
});
