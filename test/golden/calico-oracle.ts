import { cidrContains, parseCidr } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { parseCalicoSyntax } from '../../src/core/kube/calico-selector-syntax.ts';
import type { CalicoSyntax } from '../../src/core/kube/calico-selector-syntax.ts';

// Calico's documentation, read literally and without any normal form: a second opinion on what its policies say.

export type Labels = Readonly<Record<string, string>>;

/** Something with labels that selectors choose: a pod or a network set. */
export interface Labelled {
  readonly labels: Labels;
  /** Labels of its namespace; absent for what is in none. */
  readonly namespace?: { readonly name: string; readonly labels: Labels };
  readonly account?: { readonly name: string; readonly labels: Labels };
}

/** One end of a connection: its address, and everything labelled that has the address. */
export interface End {
  readonly ip: Ip;
  readonly is: readonly Labelled[];
  /** Only pods are subject to policies. */
  readonly pod?: Labelled & { readonly ports: readonly { name: string; protocol: string; port: number }[] };
  readonly port?: number | undefined;
}

export interface Connection {
  readonly source: End;
  readonly destination: End;
  /** IANA number. */
  readonly protocol: number;
  readonly icmp?: { readonly type: number; readonly code: number } | undefined;
}

export interface Entity {
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly selector?: string;
  readonly notSelector?: string;
  readonly namespaceSelector?: string;
  readonly ports?: readonly (number | string)[];
  readonly notPorts?: readonly (number | string)[];
  readonly serviceAccounts?: { readonly names?: readonly string[]; readonly selector?: string };
}

export interface Rule {
  readonly action: 'Allow' | 'Deny' | 'Pass' | 'Log';
  readonly ipVersion?: 4 | 6;
  readonly protocol?: string | number;
  readonly notProtocol?: string | number;
  readonly icmp?: { readonly type?: number; readonly code?: number };
  readonly notICMP?: { readonly type?: number; readonly code?: number };
  readonly source?: Entity;
  readonly destination?: Entity;
}

export interface Spec {
  readonly tier?: string;
  readonly order?: number;
  readonly selector?: string;
  readonly namespaceSelector?: string;
  readonly serviceAccountSelector?: string;
  readonly types?: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

export interface CalicoPolicy {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Spec;
}

export interface CalicoTier {
  readonly name: string;
  readonly order: number;
  readonly passes: boolean;
}

/** Whether the policies let the connection be. */
export function calicoAllows(
  policies: readonly CalicoPolicy[],
  tiers: readonly CalicoTier[],
  flow: Connection,
): boolean {
  return sideAllows(policies, tiers, 'egress', flow) && sideAllows(policies, tiers, 'ingress', flow);
}

function sideAllows(
  policies: readonly CalicoPolicy[],
  tiers: readonly CalicoTier[],
  direction: 'ingress' | 'egress',
  flow: Connection,
): boolean {
  const { pod } = direction === 'ingress' ? flow.destination : flow.source;
  if (pod === undefined) return true;
  for (const tier of tiers.toSorted((a, b) => a.order - b.order)) {
    const own = policies
      .filter(({ spec }) => (spec.tier ?? 'default') === tier.name)
      .filter((policy) => typesOf(policy.spec).includes(direction) && appliesTo(policy, pod))
      .sort((a, b) => (a.spec.order ?? Infinity) - (b.spec.order ?? Infinity) || byName(a, b));
    const action = own
      .flatMap(({ spec, metadata }) => (spec[direction] ?? []).map((rule) => ({ rule, home: metadata.namespace })))
      .find(({ rule, home }) => rule.action !== 'Log' && ruleMatches(rule, flow, home))?.rule.action;
    if (action === 'Allow') return true;
    if (action === 'Deny') return false;
    if (action === undefined && own.length > 0 && !tier.passes) return false;
  }
  return true;
}

function byName(a: CalicoPolicy, b: CalicoPolicy): number {
  const key = ({ kind, metadata }: CalicoPolicy) => `${metadata.name}\n${metadata.namespace ?? ''}\n${kind}`;
  return key(a) < key(b) ? -1 : 1;
}

function typesOf({ types, ingress, egress }: Spec): readonly string[] {
  if (types !== undefined && types.length > 0) return types.map((type) => type.toLowerCase());
  if ((egress ?? []).length === 0) return ['ingress'];
  return (ingress ?? []).length === 0 ? ['egress'] : ['ingress', 'egress'];
}

function appliesTo({ metadata, spec }: CalicoPolicy, pod: Labelled): boolean {
  if (metadata.namespace !== undefined && metadata.namespace !== pod.namespace?.name) return false;
  return (
    says(spec.selector, allLabels(pod)) &&
    says(spec.namespaceSelector, namespaceLabels(pod), pod.namespace !== undefined) &&
    says(spec.serviceAccountSelector, pod.account?.labels ?? {}, pod.account !== undefined)
  );
}

function ruleMatches(rule: Rule, flow: Connection, home: string | undefined): boolean {
  const { family } = flow.source.ip;
  if (rule.ipVersion !== undefined && rule.ipVersion !== family) return false;
  if (rule.protocol !== undefined && numberOf(rule.protocol) !== flow.protocol) return false;
  if (rule.notProtocol !== undefined && numberOf(rule.notProtocol) === flow.protocol) return false;
  if (rule.icmp?.type !== undefined && !icmpIs(rule.icmp, flow)) return false;
  if (rule.notICMP?.type !== undefined && icmpIs(rule.notICMP, flow)) return false;
  return (
    endMatches(rule.source ?? {}, flow.source, flow.protocol, home) &&
    endMatches(rule.destination ?? {}, flow.destination, flow.protocol, home)
  );
}

function icmpIs({ type, code }: { readonly type?: number; readonly code?: number }, { icmp }: Connection): boolean {
  return icmp !== undefined && icmp.type === type && (code === undefined || icmp.code === code);
}

function numberOf(protocol: string | number): number {
  const names: Record<string, number> = { TCP: 6, UDP: 17, ICMP: 1, ICMPv6: 58, SCTP: 132, UDPLite: 136 };
  return typeof protocol === 'number' ? protocol : names[protocol]!;
}

function endMatches(entity: Entity, end: End, protocol: number, home: string | undefined): boolean {
  const { nets = [], notNets = [], ports = [], notPorts = [] } = entity;
  const isIn = (net: string): boolean => cidrContains(parseCidr(net)!, end.ip);
  // A rule with blocks of one family only is a rule for that family.
  for (const list of [nets, notNets])
    if (list.length > 0 && !list.some((net) => parseCidr(net)!.ip.family === end.ip.family)) return false;
  if (nets.length > 0 && !nets.some(isIn)) return false;
  if (notNets.some(isIn)) return false;
  if (ports.length > 0 && !ports.some((port) => portIs(port, end, protocol))) return false;
  if (notPorts.some((port) => portIs(port, end, protocol))) return false;
  return selectorsMatch(entity, end, home);
}

function selectorsMatch(entity: Entity, { is }: End, home: string | undefined): boolean {
  const { selector = '', notSelector = '', namespaceSelector = '', serviceAccounts = {} } = entity;
  const { names = [], selector: accountSelector = '' } = serviceAccounts;
  const asksForAccounts = names.length > 0 || accountSelector !== '';
  const isAsked =
    selector !== '' || namespaceSelector !== '' || asksForAccounts || (home !== undefined && notSelector !== '');
  const chosen = (each: Labelled): boolean =>
    (namespaceSelector !== ''
      ? says(namespaceSelector, namespaceLabels(each), each.namespace !== undefined)
      : home === undefined || each.namespace?.name === home) &&
    says(selector, allLabels(each)) &&
    (names.length === 0 || (each.account !== undefined && names.includes(each.account.name))) &&
    (accountSelector === '' || says(accountSelector, each.account?.labels ?? {}, each.account !== undefined));
  if (isAsked && !is.some(chosen)) return false;
  return notSelector === '' || !is.some((each) => says(notSelector, allLabels(each)));
}

function portIs(port: number | string, end: End, protocol: number): boolean {
  if (typeof port === 'number') return end.port === port;
  const [first, last] = port.split(':').map(Number);
  if (!Number.isNaN(first)) return end.port !== undefined && end.port >= first! && end.port <= (last ?? first!);
  return (end.pod?.ports ?? []).some(
    (each) => each.name === port && numberOf(each.protocol) === protocol && each.port === end.port,
  );
}

/** Labels of endpoints: their own, and those that tell where and as whom they run. */
function allLabels({ labels, namespace, account }: Labelled): Labels {
  return {
    ...labels,
    ...(namespace === undefined ? {} : { 'projectcalico.org/namespace': namespace.name }),
    ...(account === undefined ? {} : { 'projectcalico.org/serviceaccount': account.name }),
  };
}

function namespaceLabels({ namespace }: Labelled): Labels {
  return namespace === undefined ? {} : { ...namespace.labels, 'projectcalico.org/name': namespace.name };
}

/** Whether the selector holds; an empty one does. `all` is what all() says: true but where only some things have labels. */
function says(selector: string | undefined, labels: Labels, all = true): boolean {
  if (selector === undefined || selector === '') return true;
  const parsed = parseCalicoSyntax(selector);
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  return holds(parsed.syntax, labels, all);
}

function holds(syntax: CalicoSyntax, labels: Labels, all: boolean): boolean {
  switch (syntax.kind) {
    case 'all':
      return all;
    case 'global':
      return !all;
    case 'has':
      return syntax.key in labels;
    case 'member':
      return (syntax.key in labels && syntax.values.includes(labels[syntax.key]!)) === (syntax.operator === 'in');
    case 'compare':
      return compares(syntax.operator, labels[syntax.key], syntax.value);
    case 'not':
      return !holds(syntax.term, labels, all);
    case 'and':
      return syntax.terms.every((term) => holds(term, labels, all));
    case 'or':
      return syntax.terms.some((term) => holds(term, labels, all));
  }
}

function compares(operator: string, actual: string | undefined, value: string): boolean {
  if (operator === '!=') return actual !== value;
  if (actual === undefined) return false;
  if (operator === '==') return actual === value;
  if (operator === 'contains') return actual.includes(value);
  return operator === 'starts with' ? actual.startsWith(value) : actual.endsWith(value);
}
