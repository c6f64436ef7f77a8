import { contains } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { CompiledRule } from './compile.ts';
import { isMember } from './endpoint-class.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { Flow, Party } from './flow.ts';
import type { PortMatch } from './model.ts';

/** Whether the rule matches: `other` is the side that is not the rule's subject, `otherClass` its class when a pod. */
export function ruleMatches(
  rule: CompiledRule,
  flow: Flow,
  other: Party,
  otherClass: EndpointClass | undefined,
): boolean {
  return portsMatch(rule.ports, flow) && peersMatch(rule, other, otherClass);
}

/** Whether any of the ports is the flow's destination port. A list never matches a protocol without ports. */
export function portsMatch(ports: 'any' | readonly PortMatch[], flow: Flow): boolean {
  return ports === 'any' || ports.some((port) => portMatches(port, flow));
}

/** Whether one entry is the flow's destination port; a named one is looked up in the destination pod. */
export function portMatches(match: PortMatch, flow: Flow): boolean {
  if (match.protocol !== flow.protocol || flow.port === undefined) return false;
  switch (match.kind) {
    case 'all':
      return true;
    case 'range':
      return flow.port >= match.first && flow.port <= match.last;
    case 'named':
      return namedPortsOf(flow.destination, match).includes(flow.port);
  }
}

/** The numbers that the destination gives to a named port: none unless it is a pod that declares the name. */
export function namedPortsOf(
  destination: Party,
  match: { readonly name: string; readonly protocol: string },
): number[] {
  if (destination.kind !== 'pod') return [];
  return destination.pod.ports
    .filter((each) => each.name === match.name && each.protocol === match.protocol)
    .map((each) => each.port);
}

function peersMatch(rule: CompiledRule, other: Party, otherClass: EndpointClass | undefined): boolean {
  if (rule.anyPeer) return true;
  if (otherClass !== undefined) for (const peer of rule.pods) if (isMember(otherClass, peer)) return true;
  const { ip } = other;
  if (ip !== undefined) {
    for (const block of rule.blocks) if (block.family === ip.family && contains(block.ranges, ip.value)) return true;
  }
  if (other.kind === 'node')
    for (const peer of rule.nodes) if (matchesLabels(peer.nodes, other.node.labels)) return true;
  return false;
}
