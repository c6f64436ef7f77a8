import { fileURLToPath } from 'node:url';
import type { Command } from '../command.ts';
import { programLogger } from '../program-logger.ts';

/** `sluice install-cni`: the init container that puts the plugin on the host. */
export const command: Command = {
  meta: {
    summary: 'put the CNI plugin and its configuration on the host',
    description: 'An init container of the DaemonSet sluice-node in deploy/sluice.yaml; it reads CNI_NETWORK_CONFIG.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env }) => {
    const { installCniOptions, runInstallCni } = await import('../../app/cni/install-cni.ts');
    const executable = fileURLToPath(new URL('../../../build/cni/sluice', import.meta.url));
    await runInstallCni(installCniOptions(env, { executable }), { log: programLogger('install-cni', env) });
    return 0;
  },
};
