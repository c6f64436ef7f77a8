import { describe, expect, it } from 'vitest';
import { REPLICA_SETS } from '../../../host/kube-client/resources.ts';
import { FOREGROUND, ORPHAN, OwnerGraph, nextStep, type GraphNode } from './owner-graph.ts';

function node(uid: string, owners: string[], extra: Partial<GraphNode> = {}): GraphNode {
  const references = owners.map((owner) => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: owner,
    uid: owner,
    blockOwnerDeletion: true,
  }));
  return { resource: REPLICA_SETS, name: uid, uid, owners: references, finalizers: [], deleting: false, ...extra };
}

function graphOf(...nodes: GraphNode[]): OwnerGraph {
  const graph = new OwnerGraph();
  for (const each of nodes) graph.set(each);
  return graph;
}

describe('garbage collection', () => {
  it('takes what has lost all of its owners, and only that', () => {
    const graph = graphOf(node('owner', []), node('a', ['owner']), node('b', ['owner', 'lost']), node('c', ['lost']));
    expect(['owner', 'a', 'b'].map((uid) => nextStep(graph, uid).do)).toEqual(['nothing', 'nothing', 'nothing']);
    expect(nextStep(graph, 'c')).toMatchObject({ do: 'delete', policy: 'Background', missing: [{ uid: 'lost' }] });
    graph.remove('owner');
    expect(nextStep(graph, 'a').do).toBe('delete');
    expect(nextStep(graph, 'b').do).toBe('delete');
  });

  it('deletes dependents before their owner in the foreground, level by level', () => {
    const waiting = { deleting: true, finalizers: [FOREGROUND] };
    const graph = graphOf(node('owner', [], waiting), node('child', ['owner']), node('grandchild', ['child']));
    expect(nextStep(graph, 'owner').do).toBe('nothing');
    expect(nextStep(graph, 'child')).toMatchObject({ do: 'delete', policy: 'Foreground', missing: [] });
    graph.set(node('child', ['owner'], waiting));
    expect(nextStep(graph, 'grandchild')).toMatchObject({ do: 'delete', policy: 'Foreground' });
    graph.remove('grandchild');
    expect(nextStep(graph, 'child')).toMatchObject({ do: 'release', finalizer: FOREGROUND });
    graph.remove('child');
    expect(nextStep(graph, 'owner')).toMatchObject({ do: 'release', finalizer: FOREGROUND });
  });

  it('cuts dependents loose from an owner that is deleted with Orphan', () => {
    const graph = graphOf(node('owner', [], { deleting: true, finalizers: [ORPHAN] }), node('child', ['owner']));
    const step = nextStep(graph, 'owner');
    expect(step).toMatchObject({ do: 'release', finalizer: ORPHAN, dependents: [{ uid: 'child' }] });
    expect(nextStep(graph, 'child').do).toBe('nothing');
  });
});
