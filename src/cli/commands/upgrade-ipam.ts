import type { Command } from '../command.ts';

/** `sluice upgrade-ipam`: the init container that takes over what host-local gave out. */
export const command: Command = {
  meta: {
    description:
      'An init container of the DaemonSet sluice-node in deploy/sluice.yaml; it reads /var/lib/cni/networks.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env }) => {
    const { runUpgradeIpam } = await import('../../app/cni/programs.ts');
    return runUpgradeIpam(env);
  },
};
