import { EVERYTHING } from '../../kube/labels.ts';
import type { NetworkPolicy } from '../../kube/types.ts';
import type { Direction, Policy, PolicyIssue, Rule } from '../model.ts';
import { DEFAULT_TIER, NETWORK_POLICY_ORDER } from '../tiers.ts';
import { normalisePeer } from './peer.ts';
import { normalisePort } from './port.ts';
import { isRecord, readList, readSelector, scopeAt } from './scope.ts';
import type { Locate, Scope } from './scope.ts';

/** A policy in normal form, and what of it could not be understood. */
export interface Normalised {
  readonly policy: Policy;
  readonly issues: readonly PolicyIssue[];
}

/**
 * Brings a `networking.k8s.io/v1` NetworkPolicy into normal form, with the API's own defaults. Never throws and never
 * opens what it does not understand: a rule with an unreadable part allows nothing, a policy whose `podSelector` is
 * unreadable isolates its whole namespace, and one with unreadable `policyTypes` isolates both directions and allows
 * nothing in those that it does not name. `kind` is what it is called where it comes from.
 */
export function normaliseNetworkPolicy(object: NetworkPolicy, locate?: Locate, kind = 'NetworkPolicy'): Normalised {
  const scope = scopeAt(object, kind, locate);
  const spec: unknown = object.spec;
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  // Without a spec it is one that says nothing; what stands there instead may have said anything.
  const lost = spec !== undefined && spec !== null && !isRecord(spec);
  const { applies, named } = lost ? UNREADABLE_TYPES : readTypes(fields, scope);
  // An absent podSelector selects every pod of the namespace, as an empty one: the field is not a pointer in the API.
  const selected = readSelector(fields['podSelector'] ?? {}, scope, 'spec.podSelector');
  const policy: Policy = {
    key: `NetworkPolicy/${scope.namespace}/${scope.name}`,
    source: scope.source(''),
    tier: DEFAULT_TIER,
    order: NETWORK_POLICY_ORDER,
    sparesOwnNode: true,
    staged: false,
    subject: { namespaces: { kind: 'name', name: scope.namespace }, pods: selected ?? EVERYTHING },
    applies,
    ingress: named.ingress && selected !== undefined ? readRules(fields, 'ingress', scope) : [],
    egress: named.egress && selected !== undefined ? readRules(fields, 'egress', scope) : [],
  };
  return { policy, issues: scope.issues };
}

/** The directions that a policy isolates, and those that it certainly names: rules of others would open what it may not. */
interface Types {
  readonly applies: Readonly<Record<Direction, boolean>>;
  readonly named: Readonly<Record<Direction, boolean>>;
}

const BOTH = { ingress: true, egress: true };
const UNREADABLE_TYPES: Types = { applies: BOTH, named: { ingress: false, egress: false } };

/** Absent or empty policyTypes mean Ingress, and Egress too when there is at least one egress rule. */
function readTypes(fields: Record<string, unknown>, scope: Scope): Types {
  const path = 'spec.policyTypes';
  const types = readList(fields['policyTypes'], scope, path);
  if (types === undefined) return UNREADABLE_TYPES;
  if (types.length === 0) {
    const egress: unknown = fields['egress'];
    const none = egress === undefined || egress === null || (Array.isArray(egress) && egress.length === 0);
    const applies = { ingress: true, egress: !none };
    return { applies, named: applies };
  }
  const named = { ingress: types.includes('Ingress'), egress: types.includes('Egress') };
  let unknown = false;
  for (const [index, type] of types.entries()) {
    if (type === 'Ingress' || type === 'Egress') continue;
    scope.report(`${path}[${index}]`, 'must be Ingress or Egress; the policy isolates both directions');
    unknown = true;
  }
  return { applies: unknown ? BOTH : named, named };
}

function readRules(fields: Record<string, unknown>, direction: Direction, scope: Scope): Rule[] {
  const rules = readList(fields[direction], scope, `spec.${direction}`) ?? [];
  return rules.flatMap((rule, index) => {
    const read = readRule(rule, direction, index, scope);
    return read === undefined ? [] : [read];
  });
}

/** Undefined, and reported, when any part of the rule is not understood. */
function readRule(rule: unknown, direction: Direction, index: number, scope: Scope): Rule | undefined {
  const path = `spec.${direction}[${index}]`;
  if (!isRecord(rule)) return scope.report(path, 'must be an object; use {} for a rule that allows everything');
  const side = direction === 'ingress' ? 'from' : 'to';
  const known = [side, 'ports'];
  // A misplaced field (`to` in an ingress rule) would otherwise leave a rule that allows every peer.
  const strange = Object.keys(rule).filter((name) => !known.includes(name));
  for (const name of strange) scope.report(`${path}.${name}`, `unknown field; the rule has ${known.join(' and ')}`);
  const peers = readList(rule[side], scope, `${path}.${side}`);
  const ports = readList(rule['ports'], scope, `${path}.ports`);
  if (peers === undefined || ports === undefined || strange.length > 0) return undefined;
  const readPeers = peers.map((peer, i) => normalisePeer(peer, `${path}.${side}[${i}]`, scope));
  const readPorts = ports.map((port, i) => normalisePort(port, `${path}.ports[${i}]`, scope));
  if (!allDefined(readPeers) || !allDefined(readPorts)) return undefined;
  return {
    action: 'allow',
    index,
    source: scope.source(path),
    // Empty and absent lists both mean "not restricted".
    peers: readPeers.length === 0 ? 'any' : readPeers,
    ports: readPorts.length === 0 ? 'any' : readPorts,
  };
}

function allDefined<T>(values: readonly (T | undefined)[]): values is readonly T[] {
  return values.every((value) => value !== undefined);
}
