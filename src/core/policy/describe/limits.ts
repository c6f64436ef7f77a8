import type { Direction, Peer, Policy, PortMatch, Rule } from '../model.ts';
import type { Census } from './census.ts';
import type { Limit, LimitId } from './description.ts';
import type { DescribePhrases } from './messages/catalogue.ts';

/** What limits are told from, besides the policy. */
export interface LimitContext {
  readonly say: DescribePhrases;
  /** What the policy's tier does with what no rule matches. */
  readonly otherwise: 'deny' | 'pass';
  readonly tierExists: boolean;
  readonly census: Census | undefined;
}

/** Whether it is for host endpoints alone and is asked before Services are translated. */
export function isEarly({ hosts, subject }: Policy): boolean {
  return hosts !== undefined && (hosts.preDnat || hosts.doNotTrack) && subject.pods.kind === 'nothing';
}

/** What the policy does not do, and what its readers easily take for granted, the most surprising first. */
export function limitsOf(policy: Policy, context: LimitContext): readonly Limit[] {
  const { say, census } = context;
  const limits: Limit[] = [];
  const add = (id: LimitId, holds: boolean, text: () => string): void => {
    if (holds) limits.push({ id, text: say.finish(text()) });
  };
  const rules = [...policy.ingress, ...policy.egress];
  const peers = rules.flatMap((rule) => (rule.peers === 'any' ? [] : rule.peers));
  add('staged', policy.staged, () => say.staged());
  add('no-tier', !context.tierExists, () => say.noTier(policy.tier));
  const selectsNothing = policy.hosts === undefined && census?.podsIn(policy.subject).length === 0;
  add('selects-nothing', selectsNothing, () => say.selectsNothing());
  const earlier = census?.before(policy) ?? [];
  add('earlier-policies', earlier.length > 0, () => say.earlierPolicies(earlier.map(nameOf)));
  for (const direction of BOTH) add('direction', !policy.applies[direction], () => say.noDirection(direction));
  for (const direction of BOTH) if (policy.applies[direction]) directionLimits(policy, direction, context, add);
  const own = ownNamespaceOf(policy, peers);
  add('own-namespace', own !== undefined, () => say.ownNamespace(own!));
  add('ports-of-pods', !isEarly(policy) && rules.some((rule) => rule.ports !== 'any'), () => say.portsOfPods());
  add(
    'domains',
    peers.some(({ kind }) => kind === 'domain'),
    () => say.domains(),
  );
  add('union', policy.sparesOwnNode, () => say.union());
  add(
    'both-sides',
    rules.some(({ action }) => action === 'allow'),
    () => say.bothSides(),
  );
  add('host-network', true, () => say.hostNetwork(peers.some(isByLabels)));
  add('own-node', true, () => say.ownNode(policy.sparesOwnNode));
  add('forwarded', policy.hosts?.applyOnForward === false, () => say.forwarded());
  add('replies', policy.hosts?.doNotTrack !== true, () => say.replies());
  return limits;
}

const BOTH: readonly Direction[] = ['ingress', 'egress'];

type Add = (id: LimitId, holds: boolean, text: () => string) => void;

function directionLimits(policy: Policy, direction: Direction, { otherwise, say }: LimitContext, add: Add): void {
  const rules = policy[direction];
  const action = otherwise === 'deny' ? 'allow' : 'deny';
  const own = rules.filter((rule) => rule.action === action);
  // What is left to the next tier may be allowed there.
  const open = rules.filter((rule) => rule.action === 'allow' || rule.action === 'pass');
  const named = protocolsOf(own);
  const others = PROTOCOLS.filter((each) => !named.includes(each));
  const name = (protocol: string): string => (protocol === 'ICMP' ? 'ICMP (ping)' : protocol);
  const certain = action === 'deny' || protocolsOf(open).length === named.length;
  add('protocols', certain && named.length > 0 && others.length > 0, () =>
    say.protocols(action, direction, named.map(name), others.map(name)),
  );
  if (otherwise === 'pass') return;
  add('outside', own.length > 0 && open.every(isForPodsAlone), () => say.outside(direction));
  add('dns', direction === 'egress' && !open.some(mayAllowDns), () => say.dns());
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;

/** The protocols that any of the rules is for. */
function protocolsOf(rules: readonly Rule[]): readonly (typeof PROTOCOLS)[number][] {
  return PROTOCOLS.filter((protocol) => rules.some((rule) => isFor(rule, protocol)));
}

function isFor(rule: Rule, protocol: (typeof PROTOCOLS)[number]): boolean {
  const { ports, conditions = [] } = rule;
  if (ports !== 'any' && !ports.some((each) => each.protocol === protocol)) return false;
  return conditions.every((condition) => {
    if (condition.kind === 'icmp') return protocol === 'ICMP' || condition.negate;
    if (condition.kind === 'protocol')
      return NUMBERS[protocol].some((each) => (each === condition.protocol) !== condition.negate);
    return condition.kind !== 'port' || condition.negate || condition.ports.some((each) => each.protocol === protocol);
  });
}

const NUMBERS: Readonly<Record<(typeof PROTOCOLS)[number], readonly number[]>> = {
  TCP: [6],
  UDP: [17],
  SCTP: [132],
  ICMP: [1, 58],
};

function isForPodsAlone(rule: Rule): boolean {
  return rule.peers !== 'any' && rule.peers.every(({ kind }) => kind === 'pods');
}

/** A port that has a name may be that of DNS. */
function mayAllowDns(rule: Rule): boolean {
  const isDns = (port: PortMatch): boolean =>
    port.protocol === 'UDP' && (port.kind !== 'range' || (port.first <= 53 && port.last >= 53));
  return isFor(rule, 'UDP') && (rule.ports === 'any' || rule.ports.some(isDns));
}

function isByLabels(peer: Peer): boolean {
  return peer.kind === 'pods' || peer.kind === 'endpoints';
}

/** The policy's own namespace, if a rule means pods there by their labels alone. */
function ownNamespaceOf(policy: Policy, peers: readonly Peer[]): string | undefined {
  const { namespace } = policy.source;
  const has = peers.some(
    (peer) => peer.kind === 'pods' && peer.namespaces.kind === 'name' && peer.namespaces.name === namespace,
  );
  return has ? namespace : undefined;
}

function nameOf({ source }: Policy): string {
  return `${source.kind} ${source.namespace === undefined ? source.name : `${source.namespace}/${source.name}`}`;
}
