import type { Action, Condition, Direction, Peer, PortMatch, Rule } from '../model.ts';
import { onlyFields } from '../normalise/fields.ts';
import { isRecord } from '../normalise/scope.ts';
import { readEntity } from './entity.ts';
import type { Entity } from './entity.ts';
import { readIcmp } from './icmp.ts';
import { readProtocol } from './protocol.ts';
import type { AskedProtocol } from './protocol.ts';
import type { CalicoScope } from './scope.ts';

/** The rules of one direction, of a policy or a profile. */
export interface RulesContext {
  readonly scope: CalicoScope;
  /** False when something outside the rules could not be read: then there are only rules that deny. */
  readonly certain: boolean;
}

const ACTIONS: Readonly<Record<string, Action>> = { Allow: 'allow', Deny: 'deny', Log: 'log', Pass: 'pass' };
const FIELDS = [
  'action',
  'ipVersion',
  'protocol',
  'notProtocol',
  'icmp',
  'notICMP',
  'source',
  'destination',
  'http',
  'metadata',
];

/**
 * Reads `spec.ingress` or `spec.egress`. A rule with an unreadable part allows nothing, and denies, without that part,
 * when it would have denied or passed. Never throws.
 */
export function readRules(value: unknown, direction: Direction, context: RulesContext): Rule[] {
  const path = `spec.${direction}`;
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((rule, index) => readRule(rule, direction, index, context));
  context.scope.report(path, 'must be a list of rules');
  return [denial(path, 0, context.scope)];
}

function readRule(value: unknown, direction: Direction, index: number, { scope, certain }: RulesContext): Rule[] {
  const path = `spec.${direction}[${index}]`;
  if (!isRecord(value)) {
    scope.report(path, 'must be an object');
    return [denial(path, index, scope)];
  }
  const known = onlyFields(value, FIELDS, path, scope);
  const action = ACTIONS[String(value['action'])];
  if (action === undefined)
    scope.report(`${path}.action`, 'must be Allow, Deny, Log or Pass; until then the rule denies');
  const http = value['http'] === undefined || value['http'] === null;
  if (!http) scope.report(`${path}.http`, 'matches on HTTP requests are not enforced; the rule allows nothing');
  const match = readMatch(value, direction, path, scope);
  const common = { index, source: scope.source(path), peers: match.peers, ports: match.ports };
  const rule = match.conditions.length === 0 ? common : { ...common, conditions: match.conditions };
  if (known && certain && http && match.understood && action !== undefined) return [{ action, ...rule }];
  return action === 'allow' || action === 'log' ? [] : [{ action: 'deny', ...rule }];
}

interface Match {
  readonly understood: boolean;
  readonly peers: 'any' | readonly Peer[];
  readonly ports: 'any' | readonly PortMatch[];
  readonly conditions: readonly Condition[];
}

function readMatch(
  fields: Readonly<Record<string, unknown>>,
  direction: Direction,
  path: string,
  scope: CalicoScope,
): Match {
  const protocol = readProtocol(fields['protocol'], `${path}.protocol`, scope);
  const not = readProtocol(fields['notProtocol'], `${path}.notProtocol`, scope);
  const peerSide = direction === 'ingress' ? 'source' : 'destination';
  const ends = (['source', 'destination'] as const).map((side) => ({
    side,
    entity: readEntity(fields[side], `${path}.${side}`, { scope, side, peer: side === peerSide, protocol }),
  }));
  const icmp = readIcmp(fields['icmp'], protocol, false, `${path}.icmp`, scope);
  const notIcmp = readIcmp(fields['notICMP'], protocol, true, `${path}.notICMP`, scope);
  const version = readVersion(fields['ipVersion'], `${path}.ipVersion`, scope);
  const [families, impossible] = familyConditions(
    version,
    ends.map((end) => end.entity),
  );
  const peer = ends.find((end) => end.side === peerSide)!.entity.all[0];
  const ports = ends[1]!.entity.ports;
  return {
    understood:
      [icmp, notIcmp, version].every((each) => each !== undefined) &&
      protocol !== 'unreadable' &&
      not !== 'unreadable' &&
      ends.every((end) => end.entity.understood),
    peers: impossible ? [] : (peer ?? 'any'),
    ports: ports ?? portsOf(protocol, `${path}.protocol`, scope),
    conditions: [
      ...families,
      ...protocolCondition(protocol, false),
      ...protocolCondition(not, true),
      ...(icmp ?? []),
      ...(notIcmp ?? []),
      ...ends.flatMap(({ side, entity }) => endConditions(side, entity, peer)),
    ],
  };
}

/** What of one end is not told by the rule's peers (`used`) and ports already. */
function endConditions(side: 'source' | 'destination', entity: Entity, used: readonly Peer[] | undefined): Condition[] {
  const { all, none, ports, notPorts } = entity;
  return [
    ...all.filter((list) => list !== used).map((peers): Condition => ({ kind: 'peer', side, peers, negate: false })),
    ...none.map((peers): Condition => ({ kind: 'peer', side, peers, negate: true })),
    ...(side === 'source' && ports !== undefined ? [{ kind: 'port', side, ports, negate: false } as const] : []),
    ...(notPorts === undefined ? [] : [{ kind: 'port', side, ports: notPorts, negate: true } as const]),
  ];
}

/** The condition on the family, unless blocks imply it already; and whether no family is left at all. */
function familyConditions(
  version: readonly (4 | 6)[] | undefined,
  entities: readonly Entity[],
): [readonly Condition[], boolean] {
  const left = ([4, 6] as const).filter(
    (family) => version?.includes(family) !== false && entities.every((entity) => entity.families.includes(family)),
  );
  const [family] = left;
  if (family === undefined) return [[], true];
  const implied = entities.some(({ all }) =>
    all.some((list) => list.every((each) => each.kind === 'block' && each.family === family)),
  );
  return [left.length === 2 || implied ? [] : [{ kind: 'family', family }], false];
}

function readVersion(value: unknown, path: string, scope: CalicoScope): readonly (4 | 6)[] | undefined {
  if (value === undefined || value === null) return [4, 6];
  return value === 4 || value === 6 ? [value] : scope.report(path, 'must be 4 or 6');
}

/** None for a protocol with ports that the rule's ports tell already. */
function protocolCondition(protocol: AskedProtocol, negate: boolean): Condition[] {
  if (protocol === undefined || protocol === 'unreadable') return [];
  return protocol.withPorts !== undefined && !negate ? [] : [{ kind: 'protocol', protocol: protocol.number, negate }];
}

/** A protocol with ports, when no port of it is asked for, is all of its ports. */
function portsOf(protocol: AskedProtocol, path: string, scope: CalicoScope): Match['ports'] {
  if (protocol === undefined || protocol === 'unreadable' || protocol.withPorts === undefined) return 'any';
  return [{ kind: 'all', protocol: protocol.withPorts, source: scope.source(path) }];
}

function denial(path: string, index: number, scope: CalicoScope): Rule {
  return { action: 'deny', index, source: scope.source(path), peers: 'any', ports: 'any' };
}
