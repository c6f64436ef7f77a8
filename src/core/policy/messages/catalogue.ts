import type { Direction, Side } from '../model.ts';

/** Languages that explanations are written in, by their BCP 47 tags. */
export type Language = 'en' | 'zh-CN' | 'zh-TW';

/** Every sentence of an explanation. Arguments are names, selectors and numbers, already formatted; never sentences. */
export interface Messages {
  headline(allowed: boolean, source: string, destination: string, port: string): string;
  self(pod: string): string;
  ownNode(pod: string, node: string): string;
  noPod(direction: Direction, party: string): string;
  unselected(direction: Direction, pod: string): string;
  /** Policies apply, and all tiers that they are in passed. */
  nothingDecides(direction: Direction, pod: string): string;
  ruleAllows(direction: Direction, pod: string, policy: string, rule: string): string;
  ruleDenies(direction: Direction, pod: string, policy: string, rule: string): string;
  /** `policies` select the pod and none of their rules matched. */
  nothingAllows(direction: Direction, pod: string, policies: string): string;
  profileDecides(direction: Direction, subject: string, allowed: boolean, profile: string, rule: string): string;
  /** Neither a policy nor a profile of the host endpoint decides. */
  hostDefault(direction: Direction, subject: string, endpoint: string): string;
  failsafe(direction: Direction, subject: string, port: string): string;
  endpointToHost(pod: string, node: string): string;
  passedByRule(tier: string, policy: string, rule: string): string;
  /** No rule of the tier matched, and the tier is one that then passes. */
  passedByTier(tier: string): string;
  /** The pod's packets take the address of its node on the way. */
  arrivesAs(pod: string, node: string): string;
  /** A connection from outside that a node leads on as its own. */
  entersBy(node: string): string;
  /** A host endpoint was asked. */
  atHostEndpoint(endpoint: string, node: string): string;
  /** The policies that select the pod have no rule at all. */
  noRules(): string;
  closest(policy: string, rule: string): string;
  peerFits(): string;
  portFits(): string;
  otherNamespace(wanted: string, actual: string): string;
  namespaceLabels(namespace: string, unmet: string, labels: string, podFits: boolean): string;
  podLabels(pod: string, unmet: string, labels: string): string;
  notAPod(party: string, isNode: boolean): string;
  excepted(address: string, block: string): string;
  outsideBlock(address: string, block: string): string;
  otherPeer(party: string): string;
  /** `wanted` is a selector or what of it is unmet. */
  otherLabels(party: string, wanted: string, labels: string): string;
  unlabelled(party: string, selector: string): string;
  notANode(party: string): string;
  notServed(party: string, service: string): string;
  notResolved(party: string, domain: string): string;
  noPeers(): string;
  otherFamily(wanted: string): string;
  /** `excluded`: the rule is for everything but that. */
  otherKind(wanted: string, excluded: boolean, actual: string): string;
  otherEnd(party: string, side: Side, excluded: boolean): string;
  otherEndPort(side: Side, wanted: string, excluded: boolean, actual: string): string;
  unknownPort(): string;
  noPortsInProtocol(protocol: string): string;
  otherProtocol(wanted: string, actual: string): string;
  nameUnknown(destination: string, name: string, protocol: string): string;
  otherPort(wanted: string, actual: string): string;
  unknownAddress(): string;
  noLabels(): string;
  joined(parts: readonly string[]): string;
}
