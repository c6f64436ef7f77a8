import { SluiceError } from '../../base/errors.ts';
import { EMPTY_RULESET } from '../../core/nft/diff.ts';
import { removeCalicoRules } from '../../host/iptables/remove-calico-rules.ts';
import { openNftables } from '../../host/nftables/kernel.ts';
import type { Command } from '../command.ts';

/** `sluice remove-rules`: on a node that has come from Calico or Canal, in the agent's container. */
export const command: Command = {
  meta: {
    description: [
      'Takes the rules and chains of Calico out of iptables and ip6tables, of both kinds (nft and legacy), and leaves those of all others.',
      "They go on denying what policies denied when Calico's agent ended. Run it in the agent's container of a node that has changed its network: without Sluice's own packet filter in force it does nothing.",
    ].join(' '),
    examples: ['kubectl -n kube-system exec sluice-node-x2x4z -- sluice remove-rules'],
  },
  args: { positionals: [], options: [] },
  run: ({ print }) => {
    using filter = openNftables();
    if (filter.actual(EMPTY_RULESET) === undefined)
      throw new SluiceError(
        'not-running',
        "Sluice's packet filter is not in force here, and without it nothing but Calico's rules would enforce policies: run this in the agent's container of a node that has changed",
      );
    for (const each of removeCalicoRules())
      print(
        'chains' in each ? `${each.kind}: ${each.chains} chains removed` : `${each.kind}: none here (${each.problem})`,
      );
    return Promise.resolve(0);
  },
};
