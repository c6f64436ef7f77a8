import { jsonLogger } from '../../base/log.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { inClusterConfig } from '../../host/kube-client/in-cluster.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import { controllersOptions } from './options.ts';
import { runControllers } from './run-controllers.ts';

/** `sluice controllers`: runs inside a cluster, or with `KUBECONFIG`, until the signal aborts. Returns the exit code. */
export async function runControllersProgram(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  const options = controllersOptions(env);
  const log = jsonLogger(
    { level: options.logLevel, fields: { program: 'controllers' } },
    { write: (line) => process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
  );
  const client = httpKubeClient(env['KUBECONFIG'] ? await loadKubeconfig(env['KUBECONFIG']) : inClusterConfig(env));
  const store = kubeBlockStore({ client, report: (message) => log.warn(message) });
  log.info('starting', { identity: options.identity });
  await runControllers(options, { client, store, log, now: Date.now, signal });
  client.close();
  return 0;
}
