import type { DescribePhrases, Where } from './catalogue.ts';

const SIDES = { ingress: 'Ingress', egress: 'Egress' } as const;

/** English. */
export const en: DescribePhrases = {
  finish: (text) => text,
  and: (parts) => joined(parts, 'and'),
  or: (parts) => parts.join(', or '),

  pods: (labels, where) => `${labels === undefined ? 'all pods' : `pods matching ${labels}`} ${whereText(where)}`,
  nodes: (labels) => (labels === undefined ? 'all nodes' : `nodes matching ${labels}`),
  endpoints: (labels) =>
    labels === undefined
      ? 'all pods, host endpoints and network sets'
      : `pods, host endpoints and network sets matching ${labels}`,
  hostEndpoints: (labels) => (labels === undefined ? 'all host endpoints' : `host endpoints matching ${labels}`),
  everyAddress: (family) => `every IPv${family} address`,
  block: (cidr, except) => (except.length === 0 ? cidr : `${cidr} except ${joined(except, 'and')}`),
  service: (key) => `the endpoints of service ${key}`,
  domain: (name, below) => (below ? `addresses of every name under ${name}` : `addresses of ${name}`),
  anybody: () => 'anywhere',
  count: (kind, count) => ` (${count === 0 ? `no ${kind}` : plural(count, kind)} now)`,

  allPorts: (protocol) => `all of ${protocol}`,
  port: (protocol, text) => `${protocol} ${text}`,
  namedPort: (protocol, name) =>
    protocol === undefined ? `the port named ${name}` : `the ${protocol} port named ${name}`,
  everything: () => 'everything',

  rule: (action, direction, traffic, peers) => {
    const what = `${traffic} ${direction === 'ingress' ? 'from' : 'to'} ${peers}`;
    return action === 'pass' ? `leave ${what} to the next tier` : `${action} ${what}`;
  },
  matchesNothing: (action) => `${action} nothing: no peer can match`,
  qualified: (rule, conditions) => [rule, ...conditions].join(', '),
  onlyFamily: (family) => `only over IPv${family}`,
  protocol: (name, negate) => (negate ? `but not protocol ${name}` : `only protocol ${name}`),
  icmp: (type, code, negate) =>
    `${negate ? 'but not' : 'only'} ICMP type ${type}${code === undefined ? '' : ` code ${code}`}`,
  side: (side, peers, negate) =>
    `${negate ? 'unless' : 'only if'} it ${side === 'source' ? 'comes from' : 'goes to'} ${peers}`,
  sidePort: (side, ports, negate) => `${negate ? 'unless' : 'only if'} the ${side} port is ${ports}`,

  appliesTo: (subject) => `Applies to ${subject}.`,
  now: (names, more) =>
    `Now ${plural(names.length + more, 'pod')}: ${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}.`,
  notLimited: (direction) => `${SIDES[direction]}: not limited by this policy.`,
  nothingAllowed: (direction) => `${SIDES[direction]}: denied, and no rule here allows anything.`,
  onlyAllowed: (direction) => `${SIDES[direction]}: denied, but for what these rules allow:`,
  firstMatch: (direction, otherwise) =>
    `${SIDES[direction]}: the first rule that matches decides; ${
      otherwise === 'deny'
        ? 'what no policy of the tier decides is denied'
        : 'what none matches is left to the next policy and tier'
    }:`,
  placeBefore: (tier, order) =>
    `It stands in tier ${tier}${orderText(order)}, before all NetworkPolicies: they cannot change what it allows or denies.`,
  placeAmong: (tier, order, networkPolicies) =>
    `It stands in tier ${tier}${orderText(order)}, with the NetworkPolicies, which have order ${networkPolicies}; lower orders are asked first.`,
  placeAfter: (tier, order) =>
    `It stands in tier ${tier}${orderText(order)}, after all NetworkPolicies: it is asked only about pods that none of them selects in that direction.`,
  placeEarly: (tier, order, untracked) =>
    `It stands in tier ${tier}${orderText(order)}, and is asked before Services are translated: ports and addresses are those that the client asked for, such as a NodePort.${
      untracked ? ' Connections are not tracked: each packet is judged alone, replies too.' : ''
    }`,

  doesNot: () => 'What it does not do:',
  staged: () => 'It is staged: nothing of this is in force.',
  noTier: (tier) => `There is no tier ${tier}, so nothing of this is in force.`,
  selectsNothing: () => 'It selects no pod now, so it does nothing now.',
  earlierPolicies: (policies) =>
    `It is not asked first: before it, for some of its pods, ${policies.length === 1 ? 'comes' : 'come'} ${joined(policies, 'and')}.`,
  noDirection: (direction) =>
    direction === 'ingress'
      ? 'It does not limit ingress: who may reach these pods is for other policies to say.'
      : 'It does not limit egress: what these pods may reach is for other policies to say.',
  protocols: (action, direction, named, others) =>
    action === 'allow'
      ? `${SIDES[direction]}: only ${joined(named, 'and')} ${isAre(named)} allowed; ${joined(others, 'and')} ${isAre(others)} denied.`
      : `${SIDES[direction]}: only ${joined(named, 'and')} ${isAre(named)} denied; ${joined(others, 'and')} ${isAre(others)} not.`,
  outside: (direction) =>
    direction === 'ingress'
      ? 'It allows nothing in from outside the cluster: selectors choose pods, and no rule has addresses.'
      : 'It allows nothing out of the cluster: selectors choose pods, and no rule has addresses.',
  dns: () => 'It does not allow DNS: without another policy that allows UDP and TCP 53, these pods resolve no names.',
  ownNamespace: (namespace) =>
    `It does not mean pods of other namespaces by a podSelector alone: that chooses in namespace ${namespace} only.`,
  portsOfPods: () =>
    'It does not mean ports of Services: ports are those of the pods, after translation (targetPort, not port).',
  domains: () =>
    'It does not look behind domain names: they mean the addresses that the DNS of the cluster has answered with.',
  union: () => 'It cannot forbid what another NetworkPolicy allows: the rules of all of them add up.',
  bothSides: () =>
    "It does not speak for the other side: a connection must also be allowed by the other pod's policies.",
  hostNetwork: (peers) =>
    `It does not select pods with hostNetwork${peers ? ', and no pod selector in its rules matches them' : ''}: they count as their node.`,
  ownNode: (both) =>
    both
      ? 'It does not touch traffic between a pod and the node that it runs on, in either direction.'
      : 'It does not touch traffic from a node to its own pods.',
  forwarded: () => 'It does not limit what a host endpoint forwards, only what the node itself sends and receives.',
  replies: () => 'It does not stop replies: what belongs to an allowed connection needs no rule.',
};

function whereText(where: Where): string {
  if (where.kind === 'all') return 'in all namespaces';
  return where.kind === 'named' ? `in namespace ${where.name}` : `in namespaces matching ${where.labels}`;
}

function orderText(order: number | null): string {
  return order === null ? ', last' : `, order ${order}`;
}

function joined(parts: readonly string[], word: string): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${word} ${parts.at(-1)}`;
}

function isAre(things: readonly string[]): string {
  return things.length === 1 ? 'is' : 'are';
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
