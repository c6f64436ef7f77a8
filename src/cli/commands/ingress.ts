import { keepCompileCache } from '../../host/exec/keep-compile-cache.ts';
import type { Command } from '../command.ts';

/** `sluice ingress`: what the ingress Deployment or DaemonSet runs. */
export const command: Command = {
  meta: {
    description:
      'Serves the Ingresses of class sluice through HAProxy. Runs inside a cluster, or anywhere with KUBECONFIG; docs/design/ingress.md lists its settings.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env, signal }) => {
    const { runIngressProgram } = await import('../../app/ingress/program.ts');
    keepCompileCache();
    return runIngressProgram(env, signal);
  },
};
