import { BlockList } from 'node:net';
import { formatCidr, formatIp } from '../../src/base/ip/index.ts';
import type { Family, Interval, Ip } from '../../src/base/ip/index.ts';
import type { Expression } from '../../src/core/kube/expression.ts';
import type { Labels, Requirement, Selector } from '../../src/core/kube/labels.ts';
import type {
  ClusterState,
  Condition,
  Direction,
  Flow,
  HostEndpointInfo,
  NodeEndpoint,
  Party,
  Peer,
  PodEndpoint,
  Policy,
  PortMatch,
  Rule,
  Side,
} from '../../src/core/policy/index.ts';

type Answer = 'allow' | 'deny' | 'undecided';

/**
 * The policy model judged sentence by sentence from its documentation (`core/policy/model.ts`, `flow.ts`, `cluster.ts`),
 * slowly and with nothing shared with the engine: the second opinion of the property tests.
 */
export function modelAllows(state: ClusterState, flow: Flow): boolean {
  const { source, destination } = flow;
  if (source.kind === 'pod' && destination.kind === 'pod' && source.pod.key === destination.pod.key) return true;
  if (source.kind === 'node' && destination.kind === 'node' && source.node.name === destination.node.name) return true;
  // "Those of a node to its own pods are nobody's [business]."
  if (source.kind === 'node' && destination.kind === 'pod' && destination.pod.node === source.node.name) return true;
  if (source.kind === 'pod' && destination.kind === 'node' && source.pod.node === destination.node.name) {
    const asked = (policy: Policy) => selectsPod(state, policy, source.pod) && !policy.sparesOwnNode;
    return walk(state, 'egress', flow, asked) !== 'deny' && state.settings.endpointToHost === 'accept';
  }
  if (flow.entry !== undefined && source.kind === 'outside' && destination.kind !== 'outside')
    return enteringAllowed(state, flow, flow.entry);
  const seen = seenFrom(state, source, destination);
  return (
    sideAllows(state, 'egress', flow, source, destination) &&
    sideAllows(state, 'ingress', { ...flow, source: seen }, destination, seen)
  );
}

/** "Early policies of that node's host endpoint are asked about" what was addressed, before it is translated. */
function enteringAllowed(state: ClusterState, flow: Flow, { node, ip, port }: NonNullable<Flow['entry']>): boolean {
  const { destination, source } = flow;
  const before: Flow = { ...flow, destination: { kind: 'node', node, ip }, port };
  const host = hostOf(state, node, ip, before);
  const spared = host === undefined || isFailsafe(state, 'ingress', before);
  const early = spared ? 'undecided' : earlyPhases(state, 'ingress', before, host);
  if (early === 'deny') return false;
  // "A node leads nobody's connections [to other nodes and out of all pools] but as its own."
  const isHere = nodeNameOf(destination) === node.name;
  const outOfPools =
    destination.ip !== undefined && state.pools.size > 0 && poolsAt(state, destination.ip).length === 0;
  const foreign = destination.kind === 'node' || outOfPools;
  const own = node.addresses.find(({ family }) => family === ip.family);
  const seen: Party = foreign && !isHere ? { kind: 'node', node, ip: own } : source;
  return sideAllows(state, 'ingress', { ...flow, source: seen }, destination, seen, isHere ? early : undefined);
}

function nodeNameOf(party: Party): string | undefined {
  return party.kind === 'pod' ? party.pod.node : party.kind === 'node' ? party.node.name : undefined;
}

function poolsAt({ pools }: ClusterState, ip: Ip) {
  return [...pools.values()].filter(({ cidr }) => inNet(formatCidr(cidr), ip));
}

/** "What pods of this pool send to an address outside of every pool takes their node's address", and so do nodes. */
function seenFrom(state: ClusterState, source: Party, destination: Party): Party {
  const node = state.nodes.get(nodeNameOf(source) ?? '');
  if (node === undefined || nodeNameOf(destination) === node.name) return source;
  if (destination.kind === 'node' && state.settings.plainToNodes === true) return source;
  const leaves = destination.ip !== undefined && poolsAt(state, destination.ip).length === 0;
  const masquerades = source.ip !== undefined && poolsAt(state, source.ip).some(({ natOutgoing }) => natOutgoing);
  if (!leaves || !masquerades) return source;
  return { kind: 'node', node, ip: node.addresses.find(({ family }) => family === source.ip!.family) };
}

/** `given`: what early policies have said already. */
function sideAllows(
  state: ClusterState,
  direction: Direction,
  flow: Flow,
  own: Party,
  other: Party,
  given?: Answer,
): boolean {
  if (own.kind === 'outside') return true;
  if (own.kind === 'node') return nodeAllows(state, direction, flow, own, given);
  // "Past the last [tier] a pod is allowed."
  if (walk(state, direction, flow, (policy) => selectsPod(state, policy, own.pod)) === 'deny') return false;
  if (other.kind === 'pod' && other.pod.node === own.pod.node) return true;
  const node = own.pod.node === undefined ? undefined : state.nodes.get(own.pod.node);
  const host = node === undefined ? undefined : hostOf(state, node, undefined, flow);
  if (host === undefined) return true;
  const spared = isFailsafe(state, direction, flow);
  const early = given ?? (spared ? 'undecided' : earlyPhases(state, direction, flow, host));
  if (early !== 'undecided') return early === 'allow';
  return (
    walk(state, direction, flow, (policy) => {
      const { hosts } = policy;
      return hosts !== undefined && isLast(policy) && hosts.applyOnForward && selected(hosts.selector, host.labels);
    }) !== 'deny'
  );
}

function nodeAllows(
  state: ClusterState,
  direction: Direction,
  flow: Flow,
  own: Party & { kind: 'node' },
  given?: Answer,
): boolean {
  const host = hostOf(state, own.node, own.ip, flow);
  if (host === undefined) return true;
  if (given === 'allow' || isFailsafe(state, direction, flow)) return true;
  const early = given ?? earlyPhases(state, direction, flow, host);
  if (early !== 'undecided') return early === 'allow';
  const normal = walk(state, direction, flow, (policy) => isLast(policy) && onHost(policy, host));
  if (normal !== 'undecided') return normal === 'allow';
  for (const name of host.profiles)
    for (const rule of state.profiles.get(name)?.[direction] ?? [])
      if (rule.action !== 'log' && matches(state, rule, direction, flow)) return rule.action === 'allow';
  return false;
}

function isFailsafe({ settings }: ClusterState, direction: Direction, flow: Flow): boolean {
  const ports = direction === 'ingress' ? settings.failsafeInbound : settings.failsafeOutbound;
  const far = direction === 'ingress' ? flow.source.ip : flow.destination.ip;
  return ports.some(
    ({ protocol, port, net }) =>
      protocol === flow.protocol && port === flow.port && (net === undefined || (far !== undefined && inNet(net, far))),
  );
}

/** Policies before connection tracking and before translation, where no tier denies for want of a match. */
function earlyPhases(state: ClusterState, direction: Direction, flow: Flow, host: HostEndpointInfo): Answer {
  const isUntracked = (each: Policy) => each.hosts?.doNotTrack === true && host.interface !== '*' && onHost(each, host);
  const untracked = walk(state, direction, flow, isUntracked, true);
  if (untracked !== 'undecided' || direction === 'egress') return untracked;
  const preDnat = (each: Policy) => each.hosts?.preDnat === true && !each.hosts.doNotTrack && onHost(each, host);
  return walk(state, direction, flow, preDnat, true);
}

function isLast({ hosts }: Policy): boolean {
  return hosts?.doNotTrack !== true && hosts?.preDnat !== true;
}

function onHost({ hosts }: Policy, host: HostEndpointInfo): boolean {
  return hosts !== undefined && selected(hosts.selector, host.labels);
}

/** "The first final action wins. `pass` goes to the next tier." */
function walk(
  state: ClusterState,
  direction: Direction,
  flow: Flow,
  asked: (policy: Policy) => boolean,
  open = false,
): Answer {
  for (const tier of state.tiers) {
    const policies = tier.policies.filter((policy) => policy.applies[direction] && !policy.staged && asked(policy));
    if (policies.length === 0) continue;
    const rules = policies.flatMap((policy) => policy[direction]).filter(({ action }) => action !== 'log');
    const first = rules.find((rule) => matches(state, rule, direction, flow));
    if (first !== undefined && first.action !== 'pass') return first.action === 'allow' ? 'allow' : 'deny';
    if (first === undefined && tier.noMatch === 'deny' && !open) return 'deny';
  }
  return 'undecided';
}

function matches(state: ClusterState, rule: Rule, direction: Direction, flow: Flow): boolean {
  const other: Side = direction === 'ingress' ? 'source' : 'destination';
  return (
    (rule.peers === 'any' || rule.peers.some((peer) => isPeer(state, peer, other, flow))) &&
    (rule.ports === 'any' || rule.ports.some((port) => isPort(state, port, 'destination', flow))) &&
    (rule.conditions ?? []).every((condition) => holds(state, condition, flow))
  );
}

function holds(state: ClusterState, condition: Condition, flow: Flow): boolean {
  const family = familyOf(flow);
  switch (condition.kind) {
    case 'family':
      return family === condition.family;
    case 'protocol':
      return (numberOf(flow, family) === condition.protocol) !== condition.negate;
    case 'icmp': {
      if (numberOf(flow, family) !== (family === 4 ? 1 : 58)) return false;
      const { type, code } = flow.icmp ?? { type: family === 4 ? 8 : 128, code: 0 };
      return (type === condition.type && code === (condition.code ?? code)) !== condition.negate;
    }
    case 'peer':
      return condition.peers.some((peer) => isPeer(state, peer, condition.side, flow)) !== condition.negate;
    case 'port':
      return condition.ports.some((port) => isPort(state, port, condition.side, flow)) !== condition.negate;
  }
}

function familyOf(flow: Flow): Family {
  return flow.source.ip?.family ?? flow.destination.ip?.family ?? flow.family ?? 4;
}

function numberOf({ protocol }: Flow, family: Family): number {
  const names: Record<string, number> = { TCP: 6, UDP: 17, SCTP: 132, ICMP: family === 4 ? 1 : 58 };
  return names[protocol] ?? Number(protocol);
}

function isPort(state: ClusterState, port: PortMatch, side: Side, flow: Flow): boolean {
  const number = side === 'source' ? flow.sourcePort : flow.port;
  if (number === undefined || port.protocol !== flow.protocol) return false;
  if (port.kind === 'all') return true;
  if (port.kind === 'range') return port.first <= number && number <= port.last;
  const party = flow[side];
  const ip = judgedAddress(state, party.ip);
  const hosts = [...state.hostEndpoints.values()].filter(({ expectedIps }) =>
    expectedIps.some((each) => ip !== undefined && same(each, ip)),
  );
  const named = party.kind === 'pod' ? party.pod.ports : hosts.flatMap(({ ports }) => ports);
  return named.some((each) => each.name === port.name && each.protocol === port.protocol && each.port === number);
}

function isPeer(state: ClusterState, peer: Peer, side: Side, flow: Flow): boolean {
  const party = flow[side];
  const ip = judgedAddress(state, party.ip);
  switch (peer.kind) {
    case 'pods':
      return party.kind === 'pod' && inPodSet(state, peer, party.pod);
    case 'block':
      return ip !== undefined && ip.family === peer.family && inRanges(peer.ranges, ip);
    case 'nodes':
      return party.kind === 'node' && selected(peer.nodes, party.node.labels);
    case 'endpoints':
      return (
        (party.kind === 'pod' && selected(peer.selector, podLabels(state, party.pod))) ||
        (ip !== undefined && labelledAddress(state, peer.selector, ip))
      );
    case 'service':
      return isServed(state, peer.key, side, flow, ip);
    case 'domain': {
      if (side === 'source') return false;
      const names = [...state.domains].filter(([, all]) => ip !== undefined && all.some((each) => same(each, ip)));
      const asked = party.kind === 'outside' && party.domain !== undefined ? [party.domain] : [];
      return [...names.map(([name]) => name), ...asked].some((name) => isNamed(peer.pattern, name));
    }
  }
}

function isNamed(pattern: string, name: string): boolean {
  const parts = name.split('.');
  if (!pattern.startsWith('*.')) return pattern === name;
  return parts.some((_, i) => i > 0 && parts.slice(i).join('.') === pattern.slice(2));
}

function labelledAddress(state: ClusterState, selector: Selector, ip: Ip): boolean {
  const inSet = [...state.networkSets.values()].some((set) => {
    const labels = set.namespace === undefined ? set.labels : { ...set.labels, ...fromNamespace(state, set.namespace) };
    return selected(selector, labels) && inRanges(set.ranges[ip.family], ip);
  });
  const ofHost = [...state.hostEndpoints.values()].some(
    (host) => selected(selector, host.labels) && host.expectedIps.some((each) => same(each, ip)),
  );
  return inSet || ofHost;
}

function isServed(state: ClusterState, key: string, side: Side, flow: Flow, judged: Ip | undefined): boolean {
  const party = flow[side];
  const service = state.services.get(key);
  const slices = state.slices.get(key);
  const sockets = slices?.map((each) => ({
    ...each,
    pod: undefined as string | undefined,
    ip: each.ip as Ip | undefined,
  }));
  const pods = [...state.pods.values()].filter(
    (pod) =>
      service?.selector !== undefined &&
      pod.namespace === service.namespace &&
      !pod.completed &&
      Object.entries(service.selector).every(([name, value]) => pod.labels[name] === value),
  );
  const selectedSockets = pods.flatMap((pod) => {
    const ips: readonly (Ip | undefined)[] = pod.addresses.length === 0 ? [undefined] : pod.addresses;
    return ips.map((ip) => ({ ip, pod: pod.addresses.length === 0 ? pod.key : undefined, target: pod }));
  });
  const isParty = (ip: Ip | undefined, pod: string | undefined, at: Ip | undefined) =>
    pod === undefined
      ? ip !== undefined && at !== undefined && same(ip, at)
      : party.kind === 'pod' && party.ip === undefined && party.pod.key === pod;
  if (side === 'source') return [...(sockets ?? selectedSockets)].some(({ ip, pod }) => isParty(ip, pod, judged));
  if (sockets !== undefined)
    return sockets.some(
      ({ ip, pod, protocol, port }) => isParty(ip, pod, judged) && protocol === flow.protocol && port === flow.port,
    );
  return selectedSockets.some(
    ({ ip, pod, target }) =>
      isParty(ip, pod, judged) &&
      service!.ports.some(({ protocol, targetPort }) => {
        const named = target.ports.find((each) => each.name === targetPort && each.protocol === protocol)?.port;
        const port = typeof targetPort === 'number' ? targetPort : named;
        return protocol === flow.protocol && port !== undefined && port === flow.port;
      }),
  );
}

/** "A node's tunnel address counts as that node's InternalIP instead." */
function judgedAddress(state: ClusterState, ip: Ip | undefined): Ip | undefined {
  if (ip === undefined) return undefined;
  const node = [...state.nodes.values()].find(({ tunnelAddresses }) => tunnelAddresses.some((each) => same(each, ip)));
  return node === undefined ? ip : node.addresses.find(({ family }) => family === ip.family);
}

function hostOf(state: ClusterState, node: NodeEndpoint, ip: Ip | undefined, flow: Flow): HostEndpointInfo | undefined {
  const own = [...state.hostEndpoints.values()].filter((each) => each.node === node.name);
  own.sort((a, b) => a.name.localeCompare(b.name));
  const first = node.addresses.find(({ family }) => family === familyOf(flow));
  const address = judgedAddress(state, ip) ?? first;
  const isFirst = address === undefined || (first !== undefined && same(first, address));
  const expecting = own.filter(
    ({ expectedIps }) => address !== undefined && expectedIps.some((each) => same(each, address)),
  );
  const family = familyOf(flow);
  const otherFirst = node.addresses.find((each) => each.family !== family);
  const byFirst = own.filter(
    (each) =>
      isFirst &&
      each.interface !== '*' &&
      each.expectedIps.every((known) => known.family !== family) &&
      (each.expectedIps.length === 0
        ? each.interface !== undefined
        : each.expectedIps.some((known) => otherFirst !== undefined && same(known, otherFirst))),
  );
  return [...expecting, ...byFirst, ...own.filter((each) => each.interface === '*')][0];
}

function selectsPod(state: ClusterState, { subject }: Policy, pod: PodEndpoint): boolean {
  return inPodSet(state, subject, pod);
}

function inPodSet(state: ClusterState, { namespaces, pods }: Policy['subject'], pod: PodEndpoint): boolean {
  const namespace = state.namespaces.get(pod.namespace)!;
  const inNamespace =
    namespaces.kind === 'name' ? namespaces.name === pod.namespace : selected(namespaces.selector, namespace.labels);
  return inNamespace && selected(pods, podLabels(state, pod));
}

function podLabels(state: ClusterState, pod: PodEndpoint): Labels {
  const account = state.serviceAccounts.get(`${pod.namespace}/${pod.serviceAccount}`) ?? {};
  return {
    ...pod.labels,
    ...fromNamespace(state, pod.namespace),
    'projectcalico.org/orchestrator': 'k8s',
    'projectcalico.org/serviceaccount': pod.serviceAccount,
    'pcsa.projectcalico.org/name': pod.serviceAccount,
    ...prefixed('pcsa.', account),
  };
}

function fromNamespace(state: ClusterState, name: string): Labels {
  const labels = prefixed('pcns.', state.namespaces.get(name)!.labels);
  return { 'projectcalico.org/namespace': name, 'pcns.projectcalico.org/name': name, ...labels };
}

function prefixed(prefix: string, labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value]));
}

function selected(selector: Selector, labels: Labels): boolean {
  switch (selector.kind) {
    case 'nothing':
      return false;
    case 'all-of':
      return selector.requirements.every((each) => meets(each, labels));
    case 'expression':
      return fulfils(selector.expression, labels);
  }
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  const listed = value !== undefined && values.includes(value);
  return operator === 'In' ? listed : !listed;
}

function fulfils(expression: Expression, labels: Labels): boolean {
  switch (expression.kind) {
    case 'everything':
      return true;
    case 'requirement':
      return meets(expression.requirement, labels);
    case 'not':
      return !fulfils(expression.term, labels);
    case 'and':
      return !expression.terms.some((term) => !fulfils(term, labels));
    case 'or':
      return expression.terms.some((term) => fulfils(term, labels));
    case 'contains':
    case 'starts-with':
    case 'ends-with': {
      // "An absent label meets no `contains` and the like."
      const value = labels[expression.key];
      if (value === undefined) return false;
      const at = { contains: value.indexOf(expression.value) >= 0, 'starts-with': value.startsWith(expression.value) };
      return expression.kind === 'ends-with' ? value.endsWith(expression.value) : at[expression.kind];
    }
  }
}

function same(a: Ip, b: Ip): boolean {
  return formatIp(a) === formatIp(b);
}

function inRanges(ranges: readonly Interval[], { value }: Ip): boolean {
  return ranges.some(({ first, last }) => first <= value && value <= last);
}

function inNet(net: string, ip: Ip): boolean {
  const family = ip.family === 4 ? 'ipv4' : 'ipv6';
  if (net.includes(':') !== (ip.family === 6)) return false;
  const [address, prefix] = net.split('/') as [string, string];
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), family);
  return list.check(formatIp(ip), family);
}
