import { EVERYTHING } from '../../kube/labels.ts';
import type { Action, Direction, NamespaceSet, PodSet, Policy, PortMatch, Rule } from '../model.ts';
import { readNamespacedPod, readPresent } from './cluster-dialect.ts';
import type { Dialect, RuleReader } from './cluster-dialect.ts';
import { readClusterPeers } from './cluster-peer.ts';
import { oneField, onlyFields } from './fields.ts';
import { denial, lostRules } from './lost-rules.ts';
import type { Normalised } from './network-policy.ts';
import type { PolicyObject } from './registry.ts';
import { isRecord } from './scope.ts';
import type { ClusterScope } from './scope.ts';

/** What the kinds read of themselves: where the policy stands. */
export interface Place {
  readonly tier: string;
  readonly order: number;
  /** False when some of it could not be read: then the policy only denies. */
  readonly understood: boolean;
}

/**
 * Brings a cluster-wide policy into normal form. Never throws. As the API demands, a rule with an unreadable part allows
 * nothing, and denies when it would have denied or passed: any peer if the peers are unreadable, any port if the ports
 * are. So do all rules of a policy whose subject or place is unreadable; its subject is then all that may have been meant.
 */
export function normaliseClusterPolicy(
  object: PolicyObject,
  key: string,
  scope: ClusterScope,
  dialect: Dialect,
  readPlace: (spec: Readonly<Record<string, unknown>>) => Place,
): Normalised {
  const spec = isRecord(object.spec) ? object.spec : {};
  if (!isRecord(object.spec)) scope.report('spec', 'must be an object');
  const fields = [...dialect.fields, 'subject', 'ingress', 'egress'];
  const known = onlyFields(spec, fields, 'spec', scope);
  const place = readPlace(spec);
  const subject = readSubject(spec['subject'], dialect, scope);
  const reader = { scope, dialect, certain: known && place.understood && subject.understood };
  const rules = (direction: Direction): Rule[] => [
    ...lostRules(object.spec, direction, fields, scope),
    ...readRules(spec[direction], direction, reader),
  ];
  const [ingress, egress] = [rules('ingress'), rules('egress')];
  const policy: Policy = {
    key,
    source: scope.source(''),
    tier: place.tier,
    order: place.order,
    sparesOwnNode: false,
    staged: false,
    subject: subject.set,
    // Without a rule for a direction such a policy says nothing about it.
    applies: { ingress: ingress.length > 0, egress: egress.length > 0 },
    ingress,
    egress,
  };
  return { policy, issues: scope.issues };
}

const ANYWHERE: NamespaceSet = { kind: 'selector', selector: EVERYTHING };

function readSubject(value: unknown, dialect: Dialect, scope: ClusterScope): { set: PodSet; understood: boolean } {
  const chosen = oneField(value, ['namespaces', 'pods'], 'spec.subject', scope);
  if (chosen === undefined) return { set: { namespaces: ANYWHERE, pods: EVERYTHING }, understood: false };
  if (chosen.name === 'namespaces') {
    const selector = readPresent(chosen.value, chosen.path, scope);
    const namespaces: NamespaceSet = { kind: 'selector', selector: selector ?? EVERYTHING };
    return { set: { namespaces, pods: EVERYTHING }, understood: selector !== undefined };
  }
  const { namespaces, pods } = readNamespacedPod(chosen.value, chosen.path, { dialect, scope });
  return {
    set: { namespaces: namespaces ?? ANYWHERE, pods: pods ?? EVERYTHING },
    understood: namespaces !== undefined && pods !== undefined,
  };
}

function readRules(value: unknown, direction: Direction, reader: RuleReader): Rule[] {
  const path = `spec.${direction}`;
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((rule, index) => readRule(rule, direction, index, reader));
  reader.scope.report(path, 'must be a list of rules');
  return [denial(path, 0, reader.scope)];
}

/** No rule at all when it would allow and any part of it is not understood. */
function readRule(rule: unknown, direction: Direction, index: number, reader: RuleReader): Rule[] {
  const { scope, dialect, certain } = reader;
  const path = `spec.${direction}[${index}]`;
  if (!isRecord(rule)) {
    scope.report(path, 'must be an object');
    return [denial(path, index, scope)];
  }
  const side = direction === 'ingress' ? 'from' : 'to';
  const known = onlyFields(rule, ['name', 'action', side, dialect.ports], path, scope);
  const action = readAction(rule['action'], `${path}.action`, reader);
  const peers = readClusterPeers(rule[side], direction, `${path}.${side}`, { ...reader, action });
  const ports = readPorts(rule, path, reader);
  const name = typeof rule['name'] === 'string' && rule['name'] !== '' ? { name: rule['name'] } : {};
  const common = { ...name, index, source: scope.source(path) };
  if (known && certain && action !== undefined && peers !== undefined && ports !== undefined)
    return [{ action, ...common, peers, ports }];
  return action === 'allow' ? [] : [{ action: 'deny', ...common, peers: peers ?? 'any', ports: ports ?? 'any' }];
}

function readAction(value: unknown, path: string, { dialect, scope }: RuleReader): Action | undefined {
  const names = [...dialect.actions.keys()].join(', ');
  return (
    dialect.actions.get(value as string) ?? scope.report(path, `must be one of ${names}; until then the rule denies`)
  );
}

function readPorts(
  rule: Readonly<Record<string, unknown>>,
  path: string,
  { dialect, scope }: RuleReader,
): 'any' | readonly PortMatch[] | undefined {
  const value = rule[dialect.ports];
  if (value === undefined || value === null) return 'any';
  const at = `${path}.${dialect.ports}`;
  if (!Array.isArray(value) || value.length === 0)
    return scope.report(at, 'must be a list with at least one entry; leave it out to match every protocol');
  const read = value.map((entry, index) => dialect.readPort(entry, `${at}[${index}]`, scope));
  if (!read.every((each) => each !== undefined)) return undefined;
  const ports = read.flat();
  const { to } = rule;
  if (ports.some((port) => port.kind === 'named') && Array.isArray(to) && to.some(hasNoNamedPorts))
    return scope.report(
      at,
      'only pods have named ports: give numbers, or name nodes, networks and domains in another rule',
    );
  return ports;
}

function hasNoNamedPorts(peer: unknown): boolean {
  return isRecord(peer) && ['nodes', 'networks', 'domainNames'].some((field) => peer[field] !== undefined);
}
