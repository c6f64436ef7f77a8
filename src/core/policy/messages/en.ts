import type { Messages } from './catalogue.ts';

/** English. */
export const en: Messages = {
  headline: (allowed, source, destination, port) =>
    `${allowed ? 'allowed' : 'denied'}: ${source} → ${destination}, ${port}`,
  self: (pod) => `no policy can keep ${pod} from reaching itself`,
  ownNode: (pod, node) => `traffic between ${pod} and ${node}, the node that it runs on, is always allowed`,
  noPod: (direction, party) => `${direction}: ${party} is not on the pod network, so no policy applies to it`,
  unselected: (direction, pod) => `${direction} of ${pod}: allowed, since no policy for ${direction} selects it`,
  nothingDecides: (direction, pod) => `${direction} of ${pod}: allowed, since every tier with policies for it passes`,
  ruleAllows: (direction, pod, policy, rule) => `${direction} of ${pod}: allowed by ${policy}, ${rule}`,
  ruleDenies: (direction, pod, policy, rule) => `${direction} of ${pod}: denied by ${policy}, ${rule}`,
  nothingAllows: (direction, pod, policies) =>
    `${direction} of ${pod}: denied, since it is selected by ${policies} and no rule there allows this`,
  profileDecides: (direction, subject, allowed, profile, rule) =>
    `${direction} of ${subject}: ${allowed ? 'allowed' : 'denied'} by Profile ${profile}, ${rule}`,
  hostDefault: (direction, subject, endpoint) =>
    `${direction} of ${subject}: denied, since no policy and no profile of host endpoint ${endpoint} decides`,
  failsafe: (direction, subject, port) =>
    `${direction} of ${subject}: allowed, since ${port} is a failsafe port, which no policy closes`,
  endpointToHost: (pod, node) =>
    `egress of ${pod}: denied, since the cluster's settings (defaultEndpointToHostAction) keep pods from ${node}, their own node`,
  passedByRule: (tier, policy, rule) => `tier ${tier}: passed by ${policy}, ${rule}`,
  passedByTier: (tier) => `tier ${tier}: no rule matches, so it passes`,
  arrivesAs: (pod, node) => `comes there from ${node}, since ${pod} leaves its address pool masqueraded (natOutgoing)`,
  entersBy: (node) => `comes there from ${node}, by whose port it enters the cluster`,
  atHostEndpoint: (endpoint, node) => `at host endpoint ${endpoint} of ${node}`,
  noRules: () => 'there is no rule for this direction, so nothing is allowed',
  closest: (policy, rule) => `closest: ${policy}, ${rule}`,
  peerFits: () => 'the peer matches',
  portFits: () => 'the port matches',
  otherNamespace: (wanted, actual) =>
    `podSelector alone means pods of the policy's own namespace ${wanted}; this one is in ${actual}`,
  namespaceLabels: (namespace, unmet, labels, podFits) =>
    `namespace ${namespace} does not match ${unmet} (it has ${labels})${podFits ? '; the pod itself would match' : ''}`,
  podLabels: (pod, unmet, labels) => `${pod} does not match ${unmet} (it has ${labels})`,
  notAPod: (party, isNode) =>
    isNode
      ? `selectors choose pods, and ${party} counts as a node; use an ipBlock`
      : `selectors choose pods, and ${party} is outside the cluster; use an ipBlock`,
  excepted: (address, block) => `${address} is in an exception of ${block}`,
  outsideBlock: (address, block) => `${address} is not in ${block}`,
  otherPeer: (party) => `no peer of the rule is ${party}`,
  otherLabels: (party, wanted, labels) => `${party} does not match ${wanted} (it has ${labels})`,
  unlabelled: (party, selector) => `${party} is in no network set and of no host endpoint that matches ${selector}`,
  notANode: (party) => `the rule is for nodes, and ${party} is none`,
  notServed: (party, service) => `${party} is no endpoint of service ${service} on its ports`,
  notResolved: (party, domain) => `${party} is no address that ${domain} is known to have`,
  noPeers: () => 'the rule lists no peers, so it never matches',
  otherFamily: (wanted) => `the rule is for ${wanted} only`,
  otherKind: (wanted, excluded, actual) =>
    excluded ? `the rule leaves out ${wanted}` : `the rule is for ${wanted}, this is ${actual}`,
  otherEnd: (party, side, excluded) =>
    excluded ? `the rule leaves out ${party} as ${side}` : `${party} is not among the rule's ${side}s`,
  otherEndPort: (side, wanted, excluded, actual) =>
    excluded
      ? `the rule leaves out ${side} ports ${wanted}, this is ${actual}`
      : `the rule is for ${side} ports ${wanted}, this is ${actual}`,
  unknownPort: () => 'an unknown port',
  noPortsInProtocol: (protocol) => `the rule names ports and ${protocol} has none; only a rule without ports allows it`,
  otherProtocol: (wanted, actual) => `the rule is for ${wanted}, this is ${actual}`,
  nameUnknown: (destination, name, protocol) => `${destination} has no ${protocol} container port named ${name}`,
  otherPort: (wanted, actual) => `the rule is for ${wanted}, this is ${actual}`,
  unknownAddress: () => 'an unknown address',
  noLabels: () => 'no labels',
  joined: (parts) => parts.join('; '),
};
