import { expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { EtcdServer } from '../../host/etcd/etcd.test-support.ts';
import { etcdKubeClient } from '../../host/etcd/kube-client.ts';
import type { Etcd } from '../../host/etcd/types.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import { forgetCalicoNodes } from './forget-calico-nodes.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/nodes/';

const store = (etcd: Etcd, name: string, orchRefs: readonly object[]) =>
  etcd.put(
    ROOT + name,
    JSON.stringify({
      kind: 'Node',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { orchRefs },
    }),
  );
const names = async (etcd: Etcd) => {
  const { items } = await etcd.range({ prefix: ROOT });
  return items.map(({ key }) => key.slice(ROOT.length));
};

it('deletes the Nodes of Calico’s in etcd whose Node of Kubernetes is gone, and no other', async () => {
  await using server = await EtcdServer.start();
  using stack = new DisposableStack();
  const etcd = stack.adopt(server.client(), (client) => client.close());
  const kubernetes = new MemoryKubeClient();
  const client = etcdKubeClient({ etcd, heedsLock: true, kubernetes, report: () => undefined });
  const ofKubernetes = (nodeName: string) => ({ nodeName, orchestrator: 'k8s' });
  for (const name of ['lives', 'goes']) await kubernetes.create(NODES, { metadata: { name } });
  await store(etcd, 'goes', [ofKubernetes('goes')]);
  await store(etcd, 'lives', [ofKubernetes('lives')]);
  await store(etcd, 'other-name', [ofKubernetes('lives')]);
  // A host of Calico's outside of Kubernetes, and one that another program brought.
  await store(etcd, 'router', []);
  await store(etcd, 'vm', [{ nodeName: 'vm', orchestrator: 'openstack' }]);
  await forgetCalicoNodes(client, silentLogger);
  expect(await names(etcd)).toEqual(['goes', 'lives', 'other-name', 'router', 'vm']);
  await kubernetes.delete(NODES, { name: 'goes' });
  await forgetCalicoNodes(client, silentLogger);
  expect(await names(etcd)).toEqual(['lives', 'other-name', 'router', 'vm']);
});
