import type { Command } from '../command.ts';
import { programLogger } from '../program-logger.ts';

/** `sluice upgrade-ipam`: the init container that takes over what host-local gave out. */
export const command: Command = {
  meta: {
    summary: 'take over addresses that host-local gave out',
    description: 'An init container of the DaemonSet sluice-node in deploy/sluice.yaml; it reads /var/lib/cni/networks.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env }) => {
    const { runUpgradeIpam, upgradeIpamOptions } = await import('../../app/cni/upgrade-ipam.ts');
    const { httpKubeClient } = await import('../../host/kube-client/http-client.ts');
    const { inClusterConfig } = await import('../../host/kube-client/in-cluster.ts');
    const client = httpKubeClient(inClusterConfig(env));
    try {
      await runUpgradeIpam(upgradeIpamOptions(env), { client, log: programLogger('upgrade-ipam', env), now: Date.now });
    } finally {
      client.close();
    }
    return 0;
  },
};
