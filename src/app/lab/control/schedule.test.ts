import type { Node, Pod, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import { describe, expect, it } from 'vitest';
import type { Stored } from './objects.ts';
import { schedule, type Placement } from './schedule.ts';
import { readyNode } from './simulated-cluster.ts';

function node(name: string, extra: Partial<Node> = {}): Stored<Node> {
  const base = readyNode(name);
  const metadata = { ...base.metadata, ...extra.metadata, name, uid: name, resourceVersion: '1' };
  return { ...base, ...extra, metadata };
}

function pod(name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}): Stored<Pod> {
  const metadata = { name, namespace: 'default', uid: name, resourceVersion: '1', labels };
  return { metadata, spec: { containers: [{ name: 'main' }], ...spec } };
}

function place(wanted: Stored<Pod>, nodes: Stored<Node>[], pods: Stored<Pod>[] = []): Placement {
  return schedule(wanted, { nodes, pods, namespaceLabels: () => ({}) });
}

const why = (placement: Placement): string => (placement.kind === 'unschedulable' ? placement.message : placement.node);

describe('the scheduler', () => {
  it('gives reasons in the words of kubectl describe when no node will do', () => {
    const nodes = [
      node('a', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } }),
      node('b', { spec: { unschedulable: true } }),
      node('c'),
    ];
    expect(why(place(pod('p', { nodeSelector: { disk: 'ssd' } }), nodes))).toBe(
      "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, " +
        '1 node(s) had untolerated taint {gpu: yes}, 1 node(s) were unschedulable.',
    );
  });

  it('keeps pods off a node that is not ready, even before it is tainted', () => {
    const sick = node('a', { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
    expect(why(place(pod('p'), [sick, node('b')]))).toBe('b');
    expect(place(pod('p'), [sick]).kind).toBe('unschedulable');
    expect(why(place(pod('p', { tolerations: [{ operator: 'Exists' }] }), [sick]))).toBe('a');
  });

  it.each([
    ['the same port', { hostPort: 80 }, { hostPort: 80 }, 'b'],
    ['another protocol', { hostPort: 80 }, { hostPort: 80, protocol: 'UDP' }, 'a'],
    ['another address', { hostPort: 80, hostIP: '10.0.0.1' }, { hostPort: 80, hostIP: '10.0.0.2' }, 'a'],
    ['any address', { hostPort: 80, hostIP: '10.0.0.1' }, { hostPort: 80 }, 'b'],
  ])('gives a host port to one pod of a node: %s', (_name, held, wanted, expected) => {
    const withPort = (port: object): PodSpec => ({
      containers: [{ name: 'main', ports: [{ containerPort: 8080, ...port }] }],
    });
    const resident = pod('r', { ...withPort(held), nodeName: 'a' });
    // Node b is fuller, so that only the port can be the reason to go there.
    const crowd = ['x', 'y'].map((name) => pod(name, { nodeName: 'b' }));
    expect(why(place(pod('p', withPort(wanted)), [node('a'), node('b')], [resident, ...crowd]))).toBe(expected);
  });

  it('respects required anti-affinity and says so', () => {
    const labels = { app: 'db' };
    const affinity = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
        ],
      },
    };
    const held = pod('r', { nodeName: 'a' }, labels);
    expect(why(place(pod('p', { affinity }, labels), [node('a'), node('b')], [held]))).toBe('b');
    expect(why(place(pod('p', { affinity }, labels), [node('a')], [held]))).toContain('anti-affinity');
  });

  it('counts requests against what a node has, and finished pods not at all', () => {
    const small = node('a', { status: { ...readyNode('a').status, allocatable: { cpu: '1', pods: '2' } } });
    const needs = (cpu: string): Partial<PodSpec> => ({
      containers: [{ name: 'main', resources: { requests: { cpu } } }],
    });
    const resident = pod('r', { ...needs('600m'), nodeName: 'a' });
    expect(why(place(pod('p', needs('500m')), [small], [resident]))).toContain('Insufficient cpu');
    const finished = { ...resident, status: { phase: 'Succeeded' as const } };
    expect(why(place(pod('p', needs('500m')), [small], [finished]))).toBe('a');
    const two = [pod('x', { nodeName: 'a' }), pod('y', { nodeName: 'a' })];
    expect(why(place(pod('p'), [small], two))).toContain('Too many pods');
  });
});
