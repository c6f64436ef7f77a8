import { formatCidr } from '../../../base/ip/index.ts';
import type { Requirement } from '../../kube/labels.ts';
import { equal } from '../int-set.ts';
import { ALL_PORTS, portEntries } from '../port-set.ts';
import type { PortSet } from '../port-set.ts';
import type { PeerDraft, PolicyDraft, RuleDraft } from './draft.ts';
import type { GeneratedPolicy } from './model.ts';

/** The draft as a Kubernetes NetworkPolicy. */
export function kubernetesPolicy(draft: PolicyDraft): GeneratedPolicy {
  const { namespace, name, pods, types, ingress, egress } = draft;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: labelSelector(pods),
      policyTypes: types.map((each) => (each === 'ingress' ? 'Ingress' : 'Egress')),
      ...(ingress.length === 0 ? {} : { ingress: ingress.map((rule) => ruleOf(rule, 'from', namespace)) }),
      ...(egress.length === 0 ? {} : { egress: egress.map((rule) => ruleOf(rule, 'to', namespace)) }),
    },
  };
}

function ruleOf({ peers, ports }: RuleDraft, side: 'from' | 'to', namespace: string): object {
  return { [side]: peers.map((peer) => peerOf(peer, namespace)), ...portsOf(ports) };
}

function peerOf(peer: PeerDraft, own: string): object {
  if (peer.kind === 'block') {
    const except = peer.except.map(formatCidr);
    return { ipBlock: { cidr: formatCidr(peer.cidr), ...(except.length === 0 ? {} : { except }) } };
  }
  const podSelector = labelSelector(peer.pods);
  if (peer.namespace === own) return { podSelector };
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': peer.namespace } }, podSelector };
}

function portsOf(set: PortSet): object {
  if (equal(set, ALL_PORTS)) return {};
  const ports = portEntries(set).flatMap((entry): object[] => {
    if (!('from' in entry) || entry.protocol === 'other') return [];
    const { protocol, from, to } = entry;
    if (from === 1 && to === 65535) return [{ protocol }];
    return [from === to ? { protocol, port: from } : { protocol, port: from, endPort: to }];
  });
  return { ports };
}

function labelSelector(requirements: readonly Requirement[]): object {
  const plain = requirements.filter(({ operator, values }) => operator === 'In' && values.length === 1);
  const others = requirements.filter((each) => !plain.includes(each));
  return {
    ...(plain.length === 0 ? {} : { matchLabels: Object.fromEntries(plain.map((each) => [each.key, each.values[0]])) }),
    ...(others.length === 0
      ? {}
      : {
          matchExpressions: others.map(({ key, operator, values }) =>
            values.length === 0 ? { key, operator } : { key, operator, values },
          ),
        }),
  };
}
