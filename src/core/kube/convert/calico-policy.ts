import { calicoRule } from './calico-rule.ts';
import type { RuleContext } from './calico-rule.ts';
import { podSelectors } from './calico-selectors.ts';
import { isObject, outcome, writtenMetadata } from './conversion.ts';
import type { Conversion, FieldRemark, JsonObject } from './conversion.ts';

const FIELDS = [
  'tier',
  'order',
  'selector',
  'types',
  'ingress',
  'egress',
  'serviceAccountSelector',
  'performanceHints',
];
/** Where Calico places NetworkPolicies among its own. */
const NETWORK_POLICY_ORDER = 1000;
const OWN_NODE =
  'a NetworkPolicy never limits what a pod sends to its own node; this policy did, unless a rule of it allows that';

/**
 * A Calico NetworkPolicy as a Kubernetes one, when that allows and denies the same next to the other objects. Egress to the
 * pod's own node, which Kubernetes leaves out of NetworkPolicies, is the one difference that is only remarked upon.
 */
export function convertCalicoPolicy(object: JsonObject, others: readonly JsonObject[]): Conversion {
  const { spec } = object;
  if (!isObject(spec)) return outcome(object, [{ path: 'spec', message: 'must be an object' }]);
  const namespace = namespaceOf(object);
  const problems: FieldRemark[] = [...specProblems(spec), ...orderProblems(object, spec, others)];
  const selected = podSelectors(spec['selector'], 'spec.selector', problems);
  if (selected.length > 1)
    problems.push({
      path: 'spec.selector',
      message: 'has alternatives (||), and a NetworkPolicy selects by one conjunction: write a policy for each',
    });
  const context: RuleContext = { namespace, problems, networkSets: others.filter(isNetworkSet) };
  const types = typesOf(spec, problems);
  const converted = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: writtenMetadata(object['metadata']),
    spec: {
      podSelector: selected[0],
      policyTypes: types,
      ...(types.includes('Ingress') ? rulesOf(spec, 'ingress', context) : {}),
      ...(types.includes('Egress') ? rulesOf(spec, 'egress', context) : {}),
    },
  };
  const remarks = types.includes('Egress') ? [{ path: 'spec.egress', message: OWN_NODE }] : [];
  return outcome(converted, problems, remarks);
}

/** The answer for kinds that have no counterpart. */
export function refuseCalicoKind(message: string): Conversion {
  return { kind: 'refused', problems: [{ path: 'kind', message }] };
}

function specProblems(spec: JsonObject): FieldRemark[] {
  const problems = Object.keys(spec)
    .filter((name) => !FIELDS.includes(name))
    .map((name) => ({ path: `spec.${name}`, message: 'unknown field, so what the policy means is not certain' }));
  const tier = spec['tier'];
  if (tier !== undefined && tier !== null && tier !== '' && tier !== 'default')
    problems.push({
      path: 'spec.tier',
      message: 'NetworkPolicies are all in tier default: this one would change its place',
    });
  if (isGiven(spec['serviceAccountSelector']))
    problems.push({
      path: 'spec.serviceAccountSelector',
      message: 'a NetworkPolicy selects by labels of pods alone: label the pods of that service account',
    });
  return problems;
}

/** Between its own order and that of NetworkPolicies there must be no policy that ends or skips the tier otherwise. */
function orderProblems(object: JsonObject, spec: JsonObject, others: readonly JsonObject[]): FieldRemark[] {
  const own = orderOf(spec);
  const [least, most] = [Math.min(own, NETWORK_POLICY_ORDER), Math.max(own, NETWORK_POLICY_ORDER)];
  const between = others.find((other) => {
    if (other === object || !isCalicoPolicy(other) || !isObject(other['spec'])) return false;
    const order = orderOf(other['spec']);
    return inDefaultTier(other['spec']) && order >= least && order <= most && mayDeny(other['spec']);
  });
  if (between === undefined) return [];
  const name = isObject(between['metadata']) ? String(between['metadata']['name']) : '';
  const message = `NetworkPolicies stand at order ${NETWORK_POLICY_ORDER}, and ${name} with its Deny or Pass rules stands between: the two would change places`;
  return [{ path: 'spec.order', message }];
}

function orderOf(spec: JsonObject): number {
  return typeof spec['order'] === 'number' ? spec['order'] : Infinity;
}

function inDefaultTier(spec: JsonObject): boolean {
  return !isGiven(spec['tier']) || spec['tier'] === 'default';
}

function mayDeny(spec: JsonObject): boolean {
  const rules = [spec['ingress'], spec['egress']].flatMap((each) => (Array.isArray(each) ? (each as unknown[]) : []));
  return rules.some((rule) => !isObject(rule) || (rule['action'] !== 'Allow' && rule['action'] !== 'Log'));
}

/** Without `types` Calico goes by the rules that there are, and by ingress when there are none. */
function typesOf(spec: JsonObject, problems: FieldRemark[]): readonly string[] {
  const { types } = spec;
  if (Array.isArray(types) && types.length > 0) {
    if (types.every((each) => each === 'Ingress' || each === 'Egress')) return types as string[];
    problems.push({ path: 'spec.types', message: 'must be Ingress or Egress' });
  }
  const has = (name: string): boolean => Array.isArray(spec[name]) && spec[name].length > 0;
  if (!has('egress')) return ['Ingress'];
  return has('ingress') ? ['Ingress', 'Egress'] : ['Egress'];
}

function rulesOf(spec: JsonObject, direction: 'ingress' | 'egress', context: RuleContext): JsonObject {
  const rules = spec[direction];
  if (rules === undefined || rules === null) return {};
  if (!Array.isArray(rules)) {
    context.problems.push({ path: `spec.${direction}`, message: 'must be a list' });
    return {};
  }
  return {
    [direction]: rules.map((rule, index) => calicoRule(rule, direction, `spec.${direction}[${index}]`, context)),
  };
}

function namespaceOf(object: JsonObject): string {
  const { metadata } = object;
  return isObject(metadata) && typeof metadata['namespace'] === 'string' ? metadata['namespace'] : 'default';
}

function isCalicoPolicy(object: JsonObject): boolean {
  return isCalico(object) && ['NetworkPolicy', 'GlobalNetworkPolicy'].includes(String(object['kind']));
}

function isNetworkSet(object: JsonObject): boolean {
  return isCalico(object) && object['kind'] === 'NetworkSet';
}

function isCalico(object: JsonObject): boolean {
  return /^(crd\.)?projectcalico\.org\//.test(String(object['apiVersion']));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
