import { formatCidr } from '../../../base/ip/index.ts';
import { formatCalicoSelector } from '../../kube/calico-selector.ts';
import { allOf } from '../../kube/labels.ts';
import type { Requirement } from '../../kube/labels.ts';
import { portEntries } from '../port-set.ts';
import type { PortEntry, PortSet } from '../port-set.ts';
import type { PeerDraft, PolicyDraft, RuleDraft } from './draft.ts';
import type { GeneratedPolicy } from './model.ts';

/** The draft as a Calico NetworkPolicy. */
export function calicoPolicy(draft: PolicyDraft): GeneratedPolicy {
  const { namespace, name, pods, types, ingress, egress } = draft;
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      selector: selectorText(pods),
      types: types.map((each) => (each === 'ingress' ? 'Ingress' : 'Egress')),
      ...(ingress.length === 0 ? {} : { ingress: ingress.flatMap((rule) => rulesOf(rule, 'source', namespace)) }),
      ...(egress.length === 0 ? {} : { egress: egress.flatMap((rule) => rulesOf(rule, 'destination', namespace)) }),
    },
  };
}

/** A rule for each kind of peer, protocol by protocol: in Calico selectors and nets of one rule must both match. */
function rulesOf({ peers, ports }: RuleDraft, side: 'source' | 'destination', own: string): object[] {
  return peers.flatMap((peer) =>
    trafficOf(ports).map(({ ports: numbers, ...traffic }) => {
      const entity = entityOf(peer, own);
      const destination = numbers === undefined ? {} : { ports: numbers };
      return side === 'destination'
        ? { action: 'Allow', ...traffic, destination: { ...entity, ...destination } }
        : {
            action: 'Allow',
            ...traffic,
            source: entity,
            ...(numbers === undefined ? {} : { destination }),
          };
    }),
  );
}

function entityOf(peer: PeerDraft, own: string): object {
  if (peer.kind === 'block') {
    const notNets = peer.except.map(formatCidr);
    return { nets: [formatCidr(peer.cidr)], ...(notNets.length === 0 ? {} : { notNets }) };
  }
  const namespace =
    peer.namespace === own ? {} : { namespaceSelector: `projectcalico.org/name == '${peer.namespace}'` };
  return { ...namespace, selector: selectorText(peer.pods) };
}

interface Traffic {
  readonly protocol?: string | number;
  readonly ipVersion?: 4 | 6;
  readonly icmp?: { readonly type: number; readonly code?: number };
  readonly ports?: readonly (string | number)[];
}

function trafficOf(set: PortSet): Traffic[] {
  const entries = portEntries(set);
  const byProtocol = new Map<string, (string | number)[]>();
  const others: Traffic[] = [];
  for (const entry of entries) {
    if (!('from' in entry) || entry.protocol === 'other') others.push(...withoutPorts(entry));
    else if (entry.from === 1 && entry.to === 65535) others.push({ protocol: entry.protocol });
    else {
      const text = entry.from === entry.to ? entry.from : `${entry.from}:${entry.to}`;
      byProtocol.set(entry.protocol, [...(byProtocol.get(entry.protocol) ?? []), text]);
    }
  }
  return [...Array.from(byProtocol, ([protocol, ports]): Traffic => ({ protocol, ports })), ...others];
}

function withoutPorts(entry: PortEntry): Traffic[] {
  switch (entry.protocol) {
    case 'any':
      return [{}];
    case 'ICMP': {
      const { type, code } = entry;
      const icmp = type === undefined ? {} : { icmp: { type, ...(code === undefined ? {} : { code }) } };
      return [
        { protocol: 'ICMP', ipVersion: 4, ...icmp },
        { protocol: 'ICMPv6', ipVersion: 6, ...icmp },
      ];
    }
    case 'other':
      return Array.from({ length: entry.to - entry.from + 1 }, (_, i) => ({ protocol: entry.from + i }));
    case 'TCP':
    case 'UDP':
    case 'SCTP':
      return [];
  }
}

function selectorText(requirements: readonly Requirement[]): string {
  if (requirements.length === 0) return 'all()';
  // What Calico cannot say chooses nothing: no valid label is so.
  return formatCalicoSelector(allOf(requirements)) ?? '!all()';
}
