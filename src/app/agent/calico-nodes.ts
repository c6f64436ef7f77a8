import { hasCode } from '../../base/errors.ts';
import { formatCidr } from '../../base/ip/index.ts';
import { calicoNodePatch, withCalicoNode, withoutCalicoFields } from '../../core/datastore/index.ts';
import type { CalicoNode } from '../../core/datastore/index.ts';
import type { Node } from '../../core/kube/types.ts';
import { mergePatch } from '../../core/objectstore/patch/merge-patch.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Delta, Informer } from '../../host/kube-client/informer.ts';
import { CALICO_NODES, NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, WriteOptions } from '../../host/kube-client/types.ts';
import { knownNode } from './routing-objects.ts';
import type { KnownNode } from './routing-objects.ts';

/** Told of every change of a node, and of failures that are recovered from. */
export interface CalicoNodesListener {
  readonly onDelta: (delta: Delta<KnownNode>) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * Nodes where Calico's Nodes are in etcd: what Kubernetes' says of itself, and of its network what Calico's says. Of a node
 * without one the annotations count, but not of `own`, which then is to write it.
 */
export function nodesWithCalico(
  client: KubeClient,
  own: string,
  listener: CalicoNodesListener,
  signal: AbortSignal,
): Informer<KnownNode> {
  const items = new Map<string, KnownNode>();
  const onError = (what: string) => (error: unknown) => listener.onError(`watching ${what}`, error);
  const settle = (key: string): void => {
    const node = nodes.items.get(key);
    const previous = items.get(key);
    if (node === undefined) {
      items.delete(key);
      if (previous !== undefined) listener.onDelta({ kind: 'delete', key, previous });
      return;
    }
    const object = knownNode(combined(node, calico.items.get(key), key === own));
    items.set(key, object);
    listener.onDelta({ kind: 'set', key, object, previous });
  };
  // Calico's first: what they say is known when a node is told of.
  const calico = informer<KubeObject & CalicoNode, CalicoNode>(
    client,
    CALICO_NODES,
    {
      project: ({ spec, status }) => ({ ...(spec && { spec }), ...(status && { status }) }),
      onDelta: ({ key }) => settle(key),
      onError: onError("Calico's nodes"),
    },
    signal,
  );
  const nodes = informer<Node, Node>(
    client,
    NODES,
    { project: reduced, onDelta: ({ key }) => settle(key), onError: onError('nodes') },
    signal,
  );
  return {
    items,
    synced: Promise.all([calico.synced, nodes.synced]).then(() => undefined),
    done: Promise.all([calico.done, nodes.done]).then(() => undefined),
    get hasSynced() {
      return calico.hasSynced && nodes.hasSynced;
    },
  };
}

/** What a {@link KnownNode} is made of. */
function reduced({ metadata, spec, status }: Node): Node {
  const { name = '', labels = {}, annotations = {} } = metadata ?? {};
  const { addresses = [], conditions = [] } = status ?? {};
  return {
    metadata: { name, labels, annotations },
    spec: { podCIDRs: spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]) },
    status: { addresses, conditions: conditions.filter(({ type }) => type === 'NetworkUnavailable') },
  };
}

function combined(node: Node, calico: CalicoNode | undefined, isOwn: boolean): Node {
  const { annotations = {} } = node.metadata ?? {};
  if (calico === undefined && !isOwn) return node;
  const said = calico === undefined ? withoutCalicoFields(annotations) : withCalicoNode(annotations, calico);
  return { ...node, metadata: { ...node.metadata, annotations: said } };
}

/** Has Calico's Node in etcd say of a node what its annotations say; not while the datastore is locked. */
export async function publishCalicoNode(
  client: Pick<KubeClient, 'patch' | 'create'>,
  { endpoint: { name, labels }, podCidrs }: KnownNode,
  said: Readonly<Record<string, string | null>>,
  options: WriteOptions,
): Promise<void> {
  const patch = calicoNodePatch(name, said, { labels, podCidrs: podCidrs.map(formatCidr) });
  try {
    await client.patch(CALICO_NODES, { name }, 'merge', patch, options);
  } catch (error) {
    if (!isNotFound(error)) return unlessLocked(error);
    const object = mergePatch({ metadata: { name } }, patch as never) as unknown as KubeObject;
    await client.create(CALICO_NODES, object, options).catch(unlessLocked);
  }
}

/** The agent works on meanwhile, and says it at its next upkeep. */
function unlessLocked(error: unknown): void {
  if (!hasCode(error, 'datastore-locked')) throw error;
}
