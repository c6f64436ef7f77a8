import { messageOf } from '../../base/errors.ts';
import { jsonLogger } from '../../base/log.ts';
import { lockableClient } from '../../host/datastore/lockable-client.ts';
import { openDatastore } from '../../host/datastore/open-datastore.ts';
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
  const kubernetes = httpKubeClient(env['KUBECONFIG'] ? await loadKubeconfig(env['KUBECONFIG']) : inClusterConfig(env));
  using stack = new DisposableStack();
  stack.defer(() => kubernetes.close());
  const datastore = stack.use(await openDatastore(env, kubernetes, (message) => log.warn(message)));
  const onError = (what: string, error: unknown): void => log.warn(what, { error: messageOf(error) });
  const client = lockableClient(datastore.client, onError, signal);
  const store = kubeBlockStore({ client, report: (message) => log.warn(message) });
  log.info('starting', { identity: options.identity });
  const calicoNodes = datastore.type === 'etcdv3';
  await runControllers(options, { client, store, calicoNodes, log, now: Date.now, signal });
  return 0;
}
