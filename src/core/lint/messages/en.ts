import type { LintMessages } from './catalogue.ts';

const UNRESOLVED = 'the pods can look up no name, so connections by Service name fail';

/** English. */
export const en: LintMessages = {
  severity: { note: 'note', warning: 'warning', error: 'error' },
  didYouMean: (message, suggestion) => `${message}; did you mean ${suggestion}?`,
  listed: (names, more) => {
    const all = more > 0 ? [...names, `${more} more`] : names;
    return all.length < 2 ? (all[0] ?? '') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
  },
  total: (counts, objects, files) => {
    const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
    const found = (['error', 'warning', 'note'] as const).filter((each) => counts[each] > 0);
    const list = en.listed(
      found.map((each) => count(counts[each], each)),
      0,
    );
    return `${found.length === 0 ? 'no findings' : list} in ${count(objects, 'object')} in ${count(files, 'file')}`;
  },
  summaries: {},
  andForOr: (side, pods, namespaces) =>
    `one item of ${side} with two selectors means both at once: only pods ${pods} of namespaces ${namespaces}`,
  twoItems: () => 'two items, with a dash before podSelector',
  orForAnd: (side, namespaces, pods) =>
    `two items of ${side} are alternatives: every pod of namespaces ${namespaces}, and every pod ${pods} of the policy's own namespace`,
  oneItem: () => 'one item with both namespaceSelector and podSelector, without the second dash',
  blockOfServices: (block, service) =>
    `${block} holds the address of Service ${service}; policies see the address of the pod behind a Service, so this never matches`,
  selectorForService: () => 'a podSelector for the pods of the Service',
  blockOfOnePod: (address, owner) =>
    `${address} is the address of ${owner} now; a pod that takes its place has another one`,
  aPodSelector: () => 'a podSelector',
  emptyBlock: (block) => `the exceptions leave no address of ${block}`,
  hostBits: (written, block, prefix) =>
    `${written} is the block ${block}; only the first ${prefix} bits of the address count`,
  oneFamily: (block, family, other) => `${block} is every IPv${family} address and no IPv${other} one`,
  secondBlock: (block) => `${block} as well`,
  contradiction: (a, b) => `nothing can meet both ${a} and ${b}, so the selector chooses nothing`,
  duplicateObject: (kind, name, place) =>
    `another ${kind} ${name} is at ${place}; when both are applied, one replaces the other`,
  dnsMisplaced: () => `the rule for DNS chooses pods of the policy's own namespace: ${UNRESOLVED}`,
  dnsSelector: () => 'namespaceSelector with kubernetes.io/metadata.name: kube-system beside podSelector',
  dnsByTcp: () => `the rule for port 53 is for TCP, and DNS is UDP first: ${UNRESOLVED}`,
  dnsForgotten: () => `no egress rule for these pods allows UDP port 53 to the DNS: ${UNRESOLVED}`,
  dnsRule: () => 'a rule to namespaceSelector kubernetes.io/metadata.name: kube-system on UDP and TCP port 53',
  emptyList: (field) =>
    `an empty ${field} does not mean none: ${
      { from: 'everyone may connect', to: 'every destination is allowed' }[field] ?? 'every port is allowed'
    }`,
  ruleOrNoField: (field) => `no rule at all, or no ${field} to say all`,
  halfOpen: (direction, other, policies) =>
    `this allows ${direction}, but ${other} of every pod on the other side is closed to it by ${policies}`,
  ingressService: (ingress, service, namespace, elsewhere) =>
    `Ingress ${ingress} sends to Service ${service}, which namespace ${namespace} does not have` +
    (elsewhere === '' ? '' : `; the one in ${elsewhere} cannot be named from here`),
  ingressPort: (service, port, known) => `Service ${service} has no port ${port}; it has ${known}`,
  routeService: (route, service, namespace, elsewhere) =>
    `HTTPRoute ${route} sends to Service ${service}, which namespace ${namespace} does not have` +
    (elsewhere === '' ? '' : `; to name the one in ${elsewhere} takes its namespace here, and a ReferenceGrant there`),
  noGateway: (route, gateway, namespace, elsewhere) =>
    `HTTPRoute ${route} is of Gateway ${gateway}, which namespace ${namespace} does not have` +
    (elsewhere === '' ? '' : `; to name the one in ${elsewhere} takes its namespace`),
  noListener: (gateway, wanted, known) => `Gateway ${gateway} has no listener ${wanted}; it has ${known}`,
  listenersClosed: (gateway, namespace) =>
    `no listener of Gateway ${gateway} that is named here takes an HTTPRoute of namespace ${namespace}`,
  otherHostnames: (gateway, known) =>
    `no listener of Gateway ${gateway} that is named here is for any of the hostnames; its listeners are for ${known}`,
  notGranted: (what, source) => `${what} is in another namespace, and no ReferenceGrant there lets ${source} name it`,
  aGrant: (namespace, from, to) => `a ReferenceGrant in namespace ${namespace} from ${from} to ${to}`,
  portLeadingTo: (port, target) => `${port}, which leads to port ${target} of the pods`,
  namedPort: (who, protocol, name) =>
    `no container of ${who} has a ${protocol} port named ${name}, so the rule matches nothing`,
  namedPortProtocol: (name, who, actual, wanted) =>
    `the port named ${name} of ${who} is ${actual}, and the rule is for ${wanted}`,
  namespaceLabelOnPods: (label) => `${label} is a label of namespaces; pods do not have it, so this chooses none`,
  namespaceNameLabel: (key, label) =>
    `namespaces have the label ${key} only when somebody gave it to them; ${label} is always there`,
  noNamespace: (selector) => `no namespace has the labels ${selector}`,
  orderTie: (rival, field, order) =>
    `${rival} has the same ${field}${order === undefined ? ' (none)' : ` ${order}`} and decides differently about some of the same traffic: which one wins depends on their names alone`,
  overlappingPools: (cidr, rival) =>
    `${cidr} shares addresses with ${rival}: only the older of the two pools gives any`,
  oneNamespace: (name) => `namespace ${name}`,
  manyNamespaces: (count) => `the ${count} namespaces chosen`,
  peerOnHost: (selector, where) =>
    `the pods that match ${selector} in ${where} are on the host's network, which only an ipBlock matches`,
  noPeer: (where, selector) => `no pod of ${where} matches ${selector}`,
  peerElsewhere: (where, selector, elsewhere, ownOnly) =>
    `no pod of ${where} matches ${selector}; pods that do are in ${elsewhere}` +
    (ownOnly ? `; podSelector alone means pods of the policy's own namespace` : ''),
  selectorInSameItem: (namespace) =>
    `a namespaceSelector for kubernetes.io/metadata.name: ${namespace} in the same item`,
  subjectOnHost: (selector, namespace) =>
    `every pod that ${selector} chooses in ${namespace} is on the host's network, where policies do not apply`,
  noSubject: (namespace, selector) =>
    `no pod of namespace ${namespace} matches ${selector}, so the policy does nothing`,
  noClusterSubject: (namespaces, selector) =>
    `no pod of the ${namespaces} namespaces chosen matches ${selector}, so the policy does nothing`,
  typeMissing: (field, type, direction) =>
    `${field} does not list ${type}, so the ${direction} rules of the policy do nothing`,
  eitherOr: (a, b) => `${a} or ${b}`,
  redundantPolicy: (cover) => `${cover} applies to all its pods and says everything that it says`,
  redundantRule: (cover) => `everything that this allows is allowed by ${cover} too`,
  servicePort: (port, service, target) =>
    `port ${port} is the port of Service ${service}, whose pods listen on ${target}; policies see the port of the pod`,
  serviceWithoutPods: (namespace, selector) =>
    `no pod of namespace ${namespace} matches ${selector}, so nothing answers at the Service`,
  targetPort: (who, protocol, name) => `no container of ${who} has a ${protocol} port named ${name}`,
  shadowed: (cover, sameOutcome, action) =>
    `never reached: ${cover} comes first and matches everything that this does, ${
      sameOutcome ? 'with the same outcome' : `and its action is ${action}`
    }`,
  ruleOf: (rule, policy) => `${rule} of ${policy}`,
  closedByDefault: (direction) =>
    `without policyTypes the policy closes ${direction} too, and has no rule for it: ${consequence(direction)}`,
  closedByType: (direction) =>
    `policyTypes lists ${direction === 'ingress' ? 'Ingress' : 'Egress'} and there is no rule for it: ${consequence(direction)}`,
  unknownNamespace: (name) => `no Namespace ${name} is among the files`,
  unknownTier: (tier) => `there is no Tier ${tier} among the files; without it the policy is not in force`,
  unreachableService: (protocol, port, policies, target) =>
    `nobody can reach ${protocol} port ${port} of the Service: its pods are isolated by ${policies}, and no rule allows port ${target}`,
  unreachableBackend: (service, policies) =>
    `requests cannot reach Service ${service}, since nobody may connect to its pods under ${policies}`,
  deprecated: (version, kind, release) => `${version} ${kind} is not served since Kubernetes ${release}`,
  neverServed: (version, kind) => `no Kubernetes has ever served ${version} ${kind}`,
  otherFields: (version) => `; ${version} has other fields, which sluice convert fills in`,
  helmTemplate: () => 'a template and no manifest yet; render it first: helm template CHART | sluice lint -',
  insteadOf: (meant, written) => `${meant} instead of ${written}`,
  unknownField: (path) => `unknown field "${path}"`,
  withoutQuotes: (value) => `${value} without quotes`,
  unknownRule: (id) => `no rule is called ${id}, so the comment turns off nothing`,
};

function consequence(direction: 'ingress' | 'egress'): string {
  return direction === 'ingress' ? 'nothing may connect to its pods' : 'its pods may connect to nothing, DNS included';
}
