import type { Family } from '../../base/ip/index.ts';
import type { Chain, Rule, SetSpec } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import { isFamily, inSet, source } from './statements.ts';
import type { PodInterfaces } from './statements.ts';

/** The group that the agent listens to for copies of DNS answers: any that nobody else is likely to use. */
export const DNS_GROUP = 4053;

/**
 * Shows the agent the answers of the cluster's DNS while local pods get them, so that policy knows the addresses when they
 * are used. Holding the answers back until then would need the kernel's packet queues, which not every kernel has.
 */
export function dnsAnswersChain(families: readonly Family[], pods: PodInterfaces): Chain {
  return {
    name: CHAINS.dnsAnswers,
    hook: { type: 'filter', hook: 'forward', priority: 20 },
    rules: families.map((family): Rule => [
      pods.to,
      isFamily(family),
      inSet([source(family), 'meta l4proto', 'th sport'], SETS.dnsServers(family)),
      { kind: 'copy', group: DNS_GROUP },
    ]),
  };
}

/** The set of servers that {@link dnsAnswersChain} asks for. */
export function dnsServersSet(family: Family): SetSpec {
  return {
    name: SETS.dnsServers(family),
    key: [family === 4 ? 'ipv4_addr' : 'ipv6_addr', 'inet_proto', 'inet_service'],
  };
}
