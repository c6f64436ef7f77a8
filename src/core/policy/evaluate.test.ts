import { describe, expect, it } from 'vitest';
import type { NetworkPolicy, Pod } from '../kube/types.ts';
import { clusterState } from './cluster-state.ts';
import { PolicyEngine } from './evaluate.ts';

describe('PolicyEngine', () => {
  it('judges parties that another engine made by its own policies', () => {
    const open = new PolicyEngine(clusterState({ pods: [pod('web'), pod('db')] }));
    const closed = new PolicyEngine(clusterState({ pods: [pod('web'), pod('db')], networkPolicies: [DENY_ALL] }));
    for (const parties of [open, closed]) {
      const [source, destination] = ['shop/web', 'shop/db'].map((key) => parties.pod(parties.state.pods.get(key)!, 4));
      const flow = { source: source!, destination: destination!, protocol: 'TCP', port: 80 } as const;
      for (let i = 0; i < 2; i++) {
        expect(open.evaluate(flow).allowed).toBe(true);
        expect(closed.evaluate(flow).allowed).toBe(false);
      }
    }
  });
});

const DENY_ALL: NetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny', namespace: 'shop' },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
};

function pod(name: string): Pod {
  return {
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: { nodeName: 'node', containers: [] },
    status: { phase: 'Running', podIPs: [{ ip: name === 'web' ? '10.0.0.1' : '10.0.0.2' }] },
  };
}
