import type { Messages } from './catalogue.ts';

/** English. */
export const en: Messages = {
  headline: (allowed, source, destination, port) =>
    `${allowed ? 'allowed' : 'denied'}: ${source} → ${destination}, ${port}`,
  self: (pod) => `no policy can keep ${pod} from reaching itself`,
  ownNode: (pod, node) => `traffic between ${pod} and ${node}, the node that it runs on, is always allowed`,
  noPod: (direction, party) => `${direction}: ${party} is not on the pod network, so no policy applies to it`,
  unselected: (direction, pod) => `${direction} of ${pod}: allowed, since no policy for ${direction} selects it`,
  ruleAllows: (direction, pod, policy, rule) => `${direction} of ${pod}: allowed by ${policy}, ${rule}`,
  ruleDenies: (direction, pod, policy, rule) => `${direction} of ${pod}: denied by ${policy}, ${rule}`,
  nothingAllows: (direction, pod, policies) =>
    `${direction} of ${pod}: denied, since it is selected by ${policies} and no rule there allows this`,
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
  noPortsInProtocol: (protocol) => `the rule names ports and ${protocol} has none; only a rule without ports allows it`,
  otherProtocol: (wanted, actual) => `the rule is for ${wanted}, this is ${actual}`,
  nameUnknown: (destination, name, protocol) => `${destination} has no ${protocol} container port named ${name}`,
  otherPort: (wanted, actual) => `the rule is for ${wanted}, this is ${actual}`,
  unknownAddress: () => 'an unknown address',
  noLabels: () => 'no labels',
  joined: (parts) => parts.join('; '),
};
