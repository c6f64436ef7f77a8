import { bitsOf, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { quoted } from './bird-text.ts';
import type { BgpSession, Community, FilterOperation, FilterRule, NetMatch, PrefixAdvertisement } from './types.ts';

/** The rules of a session's filters for one direction as statements of BIRD's filter language, in order. */
export function filterStatements(
  { filters, localAs, peerAs }: BgpSession,
  direction: 'import' | 'export',
  family: Family,
): readonly string[] {
  const type = localAs === peerAs ? 'internal' : 'external';
  return filters
    .flatMap(({ rules }) => rules[direction][family])
    .filter(({ peerType }) => peerType === undefined || peerType === type)
    .map((rule) => ruleStatement(rule, direction));
}

/** Statements that add to routes the communities of the blocks that they are in. */
export function communityStatements(advertisements: readonly PrefixAdvertisement[], family: Family): readonly string[] {
  return advertisements
    .filter(({ cidr, communities }) => cidr.ip.family === family && communities.length > 0)
    .map(({ cidr, communities }) => `if ${within([cidr])} then { ${communities.map(addCommunity).join(' ')} }`);
}

/** The condition that a route is for one of `cidrs` or for a part of it. */
export function within(cidrs: readonly Cidr[]): string {
  return cidrs.length === 0 ? 'false' : `net ~ [ ${cidrs.map((cidr) => `${formatCidr(cidr)}+`).join(', ')} ]`;
}

function ruleStatement(rule: FilterRule, direction: 'import' | 'export'): string {
  const { match, learnt, interface: pattern, community, pathPrefix, priority } = rule;
  const conditions = [
    ...(match === undefined ? [] : [netCondition(match)]),
    // What is imported is learnt from a peer, whatever the rule says of it.
    ...(learnt && direction === 'export' ? ['source = RTS_BGP'] : []),
    ...(pattern === undefined ? [] : ['defined(ifname)', `ifname ~ ${quoted(pattern)}`]),
    ...(community === undefined ? [] : [`${communityList(community)} ~ [${pair(community)}]`]),
    ...(pathPrefix === undefined ? [] : [`bgp_path ~ [= ${pathPrefix.join(' ')} * =]`]),
    ...(priority === undefined ? [] : ['defined(krt_metric)', `krt_metric = ${priority}`]),
  ];
  const statements = [...rule.operations.map(operationStatement), `${rule.action};`].join(' ');
  return conditions.length === 0 ? statements : `if ${conditions.join(' && ')} then { ${statements} }`;
}

function netCondition({ operator, cidr, least, most }: NetMatch): string {
  const negated = operator === 'NotEqual' || operator === 'NotIn';
  const bits = bitsOf(cidr.ip.family);
  const text = formatCidr(cidr);
  const [from, to] = [Math.max(least ?? 0, cidr.prefix), most ?? bits];
  const isEqual = operator === 'Equal' || operator === 'NotEqual';
  const possible = from <= to && (!isEqual || from === cidr.prefix);
  if (!possible) return negated ? 'true' : 'false';
  if (isEqual) return `net ${negated ? '!=' : '='} ${text}`;
  return `net ${negated ? '!~' : '~'} [ ${text}{${from},${to}} ]`;
}

function operationStatement(operation: FilterOperation): string {
  switch (operation.kind) {
    case 'add-community':
      return addCommunity(operation.community);
    case 'prepend':
      // Each goes before what is there, so the last is the first to be put there.
      return operation.path
        .toReversed()
        .map((as) => `bgp_path.prepend(${as});`)
        .join(' ');
    case 'set-priority':
      return `krt_metric = ${operation.priority};`;
  }
}

function addCommunity(community: Community): string {
  return `${communityList(community)}.add(${pair(community)});`;
}

function communityList(community: Community): string {
  return community.length === 2 ? 'bgp_community' : 'bgp_large_community';
}

function pair(community: Community): string {
  return `(${community.join(', ')})`;
}
