import { EVERYTHING, NOTHING } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import { conjunction } from '../../kube/selector-algebra.ts';
import type { Direction, HostSubject, PodSet, Policy } from '../model.ts';
import { onlyFields } from '../normalise/fields.ts';
import { lostField, lostRules } from '../normalise/lost-rules.ts';
import type { Normalised } from '../normalise/network-policy.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord, readList } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import { DEFAULT_TIER, UNREADABLE_TIER } from '../tiers.ts';
import { isCopy } from './copies.ts';
import { ENDPOINTS, NAMESPACES, SERVICE_ACCOUNTS, readCalicoSelector } from './read-selector.ts';
import { readRules } from './rule.ts';
import { calicoScopeAt } from './scope.ts';
import type { CalicoScope } from './scope.ts';

type Spec = Readonly<Record<string, unknown>>;

const FIELDS = [
  'tier',
  'order',
  'selector',
  'serviceAccountSelector',
  'types',
  'ingress',
  'egress',
  // Says how to compute, never what.
  'performanceHints',
];
const GLOBAL_FIELDS = ['namespaceSelector', 'applyOnForward', 'preDNAT', 'doNotTrack'];

/**
 * Brings a Calico NetworkPolicy or GlobalNetworkPolicy into normal form, of either API (`projectcalico.org/v3`,
 * `crd.projectcalico.org/v1`), staged or not. Never throws. When the subject, the place or the types cannot be read, the
 * policy applies to all that may have been meant, as early as it may have been meant, and only denies. Undefined for the
 * copies that Calico makes of Kubernetes policies.
 */
export function normaliseCalicoPolicy(object: PolicyObject, locate?: Locate): Normalised | undefined {
  if (isCopy(object)) return undefined;
  const scope = calicoScopeAt(object, locate);
  const staged = object.kind?.startsWith('Staged') === true;
  const spec = isRecord(object.spec) ? object.spec : {};
  if (!isRecord(object.spec)) scope.report('spec', 'must be an object');
  const extra = [...(staged ? ['stagedAction'] : []), ...(scope.namespace === undefined ? GLOBAL_FIELDS : [])];
  const fields = [...FIELDS, ...extra];
  const known = isRecord(object.spec) && onlyFields(spec, fields, 'spec', scope);
  const subject = readSubject(spec, scope);
  const place = readPlace(spec, lostField(spec, 'tier', fields) !== undefined, scope);
  const flags = readFlags(spec, scope);
  const types = readTypes(spec, known || !isPresent(object.spec), scope);
  const certain = known && subject.understood && place.understood && flags.understood && types.understood;
  const rules = (direction: Direction) =>
    types.applies[direction]
      ? [
          ...(isPresent(object.spec) ? lostRules(object.spec, direction, fields, scope) : []),
          ...readRules(spec[direction], direction, { scope, certain }),
        ]
      : [];
  const policy: Policy = {
    key: scope.key,
    source: scope.source(''),
    tier: place.tier,
    // A field that nobody knows may have been meant as its order, or as applyOnForward.
    order: known ? place.order : -Infinity,
    ...targets(subject.selector, { ...flags, applyOnForward: flags.applyOnForward || !known }, scope.namespace),
    sparesOwnNode: false,
    staged,
    applies: types.applies,
    ingress: rules('ingress'),
    egress: rules('egress'),
  };
  return { policy, issues: scope.issues };
}

/** Policies before connection tracking or translation are for host endpoints only. */
function targets(
  selector: Selector,
  { applyOnForward, preDnat, doNotTrack }: Omit<HostSubject, 'selector'>,
  namespace: string | undefined,
): Pick<Policy, 'subject' | 'hosts'> {
  if (namespace !== undefined) return { subject: { namespaces: { kind: 'name', name: namespace }, pods: selector } };
  const anywhere: PodSet['namespaces'] = { kind: 'selector', selector: EVERYTHING };
  const pods = preDnat || doNotTrack ? NOTHING : selector;
  return { subject: { namespaces: anywhere, pods }, hosts: { selector, applyOnForward, preDnat, doNotTrack } };
}

/** An unreadable selector is left out, so that the policy applies to all that the others choose. */
function readSubject(spec: Spec, scope: CalicoScope): { selector: Selector; understood: boolean } {
  const selectors = [
    readCalicoSelector(spec['selector'], ENDPOINTS, EVERYTHING, 'spec.selector', scope),
    readCalicoSelector(
      spec['serviceAccountSelector'],
      SERVICE_ACCOUNTS,
      EVERYTHING,
      'spec.serviceAccountSelector',
      scope,
    ),
    scope.namespace === undefined
      ? readCalicoSelector(spec['namespaceSelector'], NAMESPACES, EVERYTHING, 'spec.namespaceSelector', scope)
      : EVERYTHING,
  ];
  const readable = selectors.filter((each) => each !== undefined);
  return { selector: conjunction(readable), understood: readable.length === selectors.length };
}

/** Where the policy stands; `lost` says that its tier is behind a field of nearly that name, so that it may be any. */
function readPlace(
  spec: Spec,
  lost: boolean,
  scope: CalicoScope,
): { tier: string; order: number; understood: boolean } {
  const { tier, order } = spec;
  const named = isPresent(tier) && tier !== '' ? tier : lost ? UNREADABLE_TIER : DEFAULT_TIER;
  const known = typeof named === 'string';
  if (!known) scope.report('spec.tier', 'must be the name of a tier');
  const absent = order === undefined || order === null;
  const ordered = absent || (typeof order === 'number' && !Number.isNaN(order));
  if (!ordered) scope.report('spec.order', 'must be a number');
  return {
    tier: known ? named : UNREADABLE_TIER,
    // The policy only denies when its order cannot be read, so that nothing is to be before it.
    order: absent ? Infinity : ordered ? (order as number) : -Infinity,
    understood: known && ordered,
  };
}

function readFlags(spec: Spec, scope: CalicoScope): Omit<HostSubject, 'selector'> & { readonly understood: boolean } {
  let understood = true;
  const flag = (name: string, doubtful: boolean): boolean => {
    const value = spec[name];
    if (scope.namespace !== undefined || value === undefined || value === null) return false;
    if (typeof value === 'boolean') return value;
    scope.report(`spec.${name}`, 'must be true or false');
    understood = false;
    return doubtful;
  };
  const flags = {
    applyOnForward: flag('applyOnForward', true),
    preDnat: flag('preDNAT', false),
    doNotTrack: flag('doNotTrack', false),
  };
  return { ...flags, understood };
}

const NOT_CLEAR = { applies: { ingress: true, egress: true }, understood: false };

/**
 * Absent or empty types follow from the rules: Egress when there are egress rules, Ingress unless there are only those.
 * They may also be behind a field that is not known (`known`), or follow from rules that cannot be read: then both apply.
 */
function readTypes(
  spec: Spec,
  known: boolean,
  scope: CalicoScope,
): { readonly applies: Readonly<Record<Direction, boolean>>; readonly understood: boolean } {
  const types = readList(spec['types'], scope, 'spec.types');
  if (types === undefined) return NOT_CLEAR;
  if (types.length === 0) {
    if (!known || ![spec['ingress'], spec['egress']].every((each) => !isPresent(each) || Array.isArray(each)))
      return NOT_CLEAR;
    // What is no rule may have meant that there is none.
    if (hasStrays(spec['ingress']) || hasStrays(spec['egress'])) return { ...NOT_CLEAR, understood: true };
    const [ingress, egress] = [hasRules(spec['ingress']), hasRules(spec['egress'])];
    return { applies: { ingress: ingress || !egress, egress }, understood: true };
  }
  const unknown = types.flatMap((type, index) => (type === 'Ingress' || type === 'Egress' ? [] : [index]));
  for (const index of unknown)
    scope.report(`spec.types[${index}]`, 'must be Ingress or Egress; the policy applies to both directions');
  const understood = unknown.length === 0;
  return {
    applies: { ingress: !understood || types.includes('Ingress'), egress: !understood || types.includes('Egress') },
    understood,
  };
}

function hasRules(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function hasStrays(value: unknown): boolean {
  return Array.isArray(value) && !value.every(isRecord);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
