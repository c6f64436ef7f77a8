import type { Condition, Direction, Peer, Rule } from '../model.ts';
import type { Census } from './census.ts';
import { peerText, portsText } from './describe-peer.ts';
import type { Chosen, RuleDescription } from './description.ts';
import type { DescribePhrases } from './messages/catalogue.ts';

/** One rule in words, with the number of pods or nodes behind each peer when there is a cluster. */
export function describeRule(
  rule: Rule,
  direction: Direction,
  say: DescribePhrases,
  census: Census | undefined,
): RuleDescription {
  const { action, name, index, source } = rule;
  const peers = rule.peers === 'any' ? [] : rule.peers.map((peer) => describePeer(peer, say, census));
  return {
    index,
    action,
    ...(name === undefined ? {} : { name }),
    source,
    text: say.finish(ruleText(rule, direction, peers, say)),
    peers,
  };
}

function ruleText(rule: Rule, direction: Direction, described: readonly Chosen[], say: DescribePhrases): string {
  if (rule.peers !== 'any' && rule.peers.length === 0) return say.matchesNothing(rule.action);
  const traffic = rule.ports === 'any' ? say.everything() : portsText(rule.ports, say);
  const { peers: chosen } = rule;
  const peers =
    chosen === 'any'
      ? say.anybody(direction)
      : say.or(described.map((each, i) => each.text + counted(chosen[i]!, each.now, say)));
  const text = say.rule(rule.action, direction, traffic, peers);
  const conditions = toldConditions(rule.conditions ?? []).map((each) => conditionText(each, say));
  return conditions.length === 0 ? text : say.qualified(text, conditions);
}

/** Blocks mostly mean what is outside: that no pod is in one is no news. */
function counted({ kind }: Peer, now: readonly string[] | undefined, say: DescribePhrases): string {
  if (now === undefined || (kind === 'block' && now.length === 0)) return '';
  return say.count(kind === 'nodes' ? 'node' : 'pod', now.length);
}

/** Without what another one says already: a type of ICMP is ICMP. */
function toldConditions(conditions: readonly Condition[]): readonly Condition[] {
  const isIcmp = conditions.some(({ kind }) => kind === 'icmp');
  return conditions.filter((each) => !isIcmp || each.kind !== 'protocol' || each.negate);
}

function describePeer(peer: Peer, say: DescribePhrases, census: Census | undefined): Chosen {
  const now = census?.chosenBy(peer);
  return { text: say.finish(peerText(peer, say)), ...(now === undefined ? {} : { now }) };
}

/** IANA's names of the protocols that people write rules for. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
  136: 'UDPLite',
};

function conditionText(condition: Condition, say: DescribePhrases): string {
  switch (condition.kind) {
    case 'family':
      return say.onlyFamily(condition.family);
    case 'protocol':
      return say.protocol(PROTOCOL_NAMES[condition.protocol] ?? String(condition.protocol), condition.negate);
    case 'icmp':
      return say.icmp(condition.type, condition.code, condition.negate);
    case 'peer':
      return say.side(condition.side, say.or(condition.peers.map((peer) => peerText(peer, say))), condition.negate);
    case 'port':
      return say.sidePort(condition.side, portsText(condition.ports, say), condition.negate);
  }
}
