import type { Family } from '../../../../base/ip/index.ts';
import type { Action, Direction, PortProtocol, Side } from '../../model.ts';

/** Namespaces that pods are chosen in; `labels` are formatted selectors. */
export type Where =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'labelled'; readonly labels: string };

/** Every phrase of a description. Arguments are names, selectors, numbers and phrases of the same language. */
export interface DescribePhrases {
  /** The last touch to a sentence that was put together from phrases. */
  finish(text: string): string;
  /** Things that are all meant. */
  and(parts: readonly string[]): string;
  /** Things any of which is meant. */
  or(parts: readonly string[]): string;

  pods(labels: string | undefined, where: Where): string;
  nodes(labels: string | undefined): string;
  endpoints(labels: string | undefined): string;
  hostEndpoints(labels: string | undefined): string;
  everyAddress(family: Family): string;
  block(cidr: string, except: readonly string[]): string;
  service(key: string): string;
  /** Without the star when `below`: every name under it. */
  domain(name: string, below: boolean): string;
  anybody(direction: Direction): string;
  /** After a chosen thing: how many there are now. */
  count(kind: 'pod' | 'node', count: number): string;

  allPorts(protocol: PortProtocol): string;
  port(protocol: PortProtocol, text: string): string;
  /** Under the protocol, or any that has ports. */
  namedPort(protocol: PortProtocol | undefined, name: string): string;
  everything(): string;

  /** A rule: `traffic` from or to `peers`. */
  rule(action: Action, direction: Direction, traffic: string, peers: string): string;
  matchesNothing(action: Action): string;
  qualified(rule: string, conditions: readonly string[]): string;
  onlyFamily(family: Family): string;
  protocol(name: string, negate: boolean): string;
  icmp(type: number, code: number | undefined, negate: boolean): string;
  side(side: Side, peers: string, negate: boolean): string;
  sidePort(side: Side, ports: string, negate: boolean): string;

  appliesTo(subject: string): string;
  now(names: readonly string[], more: number): string;
  notLimited(direction: Direction): string;
  nothingAllowed(direction: Direction): string;
  /** NetworkPolicies: rules add up. */
  onlyAllowed(direction: Direction): string;
  /** Ordered policies, in a tier that then denies, or passes to the next. */
  firstMatch(direction: Direction, otherwise: 'deny' | 'pass'): string;
  placeBefore(tier: string, order: number | null): string;
  placeAmong(tier: string, order: number | null, networkPolicies: number): string;
  placeAfter(tier: string, order: number | null): string;
  /** Asked before Services are translated, and before connections are tracked when `untracked`. */
  placeEarly(tier: string, order: number | null, untracked: boolean): string;

  /** Headline of what follows. */
  doesNot(): string;
  staged(): string;
  noTier(tier: string): string;
  selectsNothing(): string;
  earlierPolicies(policies: readonly string[]): string;
  noDirection(direction: Direction): string;
  protocols(
    action: 'allow' | 'deny',
    direction: Direction,
    named: readonly string[],
    others: readonly string[],
  ): string;
  outside(direction: Direction): string;
  dns(): string;
  ownNamespace(namespace: string): string;
  portsOfPods(): string;
  domains(): string;
  union(): string;
  bothSides(): string;
  hostNetwork(peers: boolean): string;
  /** `both`: what the pod sends to its node is left alone, too. */
  ownNode(both: boolean): string;
  forwarded(): string;
  replies(): string;
}
