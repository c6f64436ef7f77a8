import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { EtcdServer } from '../../host/etcd/etcd.test-support.ts';
import { etcdKubeClient } from '../../host/etcd/kube-client.ts';
import type { Etcd } from '../../host/etcd/types.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import { forgetCalicoNodes } from './forget-calico-nodes.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/nodes/';

let server: EtcdServer;
let etcd: Etcd;
beforeAll(async () => {
  server = await EtcdServer.start();
  etcd = server.client();
});
afterAll(async () => {
  etcd.close();
  await server[Symbol.asyncDispose]();
});

const store = (name: string, orchRefs: readonly object[]) =>
  etcd.put(
    ROOT + name,
    JSON.stringify({
      kind: 'Node',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { orchRefs },
    }),
  );
const names = async () => {
  const { items } = await etcd.range({ prefix: ROOT });
  return items.map(({ key }) => key.slice(ROOT.length));
};

it('deletes the Nodes of Calico’s in etcd whose Node of Kubernetes is gone, and no other', async () => {
  const kubernetes = new MemoryKubeClient();
  const client = etcdKubeClient({ etcd, heedsLock: true, kubernetes, report: () => undefined });
  const ofKubernetes = (nodeName: string) => ({ nodeName, orchestrator: 'k8s' });
  for (const name of ['lives', 'goes']) await kubernetes.create(NODES, { metadata: { name } });
  await store('goes', [ofKubernetes('goes')]);
  await store('lives', [ofKubernetes('lives')]);
  await store('other-name', [ofKubernetes('lives')]);
  // A host of Calico's outside of Kubernetes, and one that another program brought.
  await store('router', []);
  await store('vm', [{ nodeName: 'vm', orchestrator: 'openstack' }]);
  await forgetCalicoNodes(client, silentLogger);
  expect(await names()).toEqual(['goes', 'lives', 'other-name', 'router', 'vm']);
  await kubernetes.delete(NODES, { name: 'goes' });
  await forgetCalicoNodes(client, silentLogger);
  expect(await names()).toEqual(['lives', 'other-name', 'router', 'vm']);
});
