import type { Command } from '../command.ts';

/** `sluice install-cni`: the init container that puts the plugin on the host. */
export const command: Command = {
  meta: {
    description: 'An init container of the DaemonSet sluice-node in deploy/sluice.yaml; it reads CNI_NETWORK_CONFIG.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env }) => {
    const { runInstallCni } = await import('../../app/cni/programs.ts');
    return runInstallCni(env);
  },
};
