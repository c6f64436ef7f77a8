import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.ts';
import { parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { jsonLogger } from '../../base/log.ts';
import type { Logger } from '../../base/log.ts';
import { lockableClient } from '../../host/datastore/lockable-client.ts';
import { openDatastore } from '../../host/datastore/open-datastore.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { inClusterConfig } from '../../host/kube-client/in-cluster.ts';
import { BOOT_ID } from '../../core/ipam/index.ts';
import { isOldTunnel } from '../../core/migrate/index.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import { openSysctl } from '../../host/sysctl/sysctl.ts';
import { installCni, installCniOptions, isPolicyOnly } from './install-cni.ts';
import { hasLeases, upgradeIpam, upgradeIpamOptions } from './upgrade-ipam.ts';
import type { UpgradeIpamOptions } from './upgrade-ipam.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where scripts/build-cni.ts leaves the plugin. */
const EXECUTABLE = fileURLToPath(new URL('../../../build/cni/sluice', import.meta.url));

/**
 * `sluice install-cni`, set up from the environment. Returns the exit code: 0, or 2 with one message on stderr. Once the new
 * configuration is there, host-local serves no more: what it gave to the very last is taken over, and its files retire. Not
 * so where the network stays somebody else's.
 */
export function runInstallCni(env: Environment): Promise<number> {
  return exitCodeOf('install-cni', async (log) => {
    await installCni(installCniOptions(env, { executable: EXECUTABLE }), { log });
    if ((env['NODE_NAME'] ?? '') !== '' && !isPolicyOnly(env)) await takeOver(env, { keep: false }, log);
  });
}

/**
 * `sluice upgrade-ipam`, set up from the environment. Returns the exit code: 0, or 2 with one message on stderr. What cannot
 * be taken over stops the change before anything of the old network is touched.
 */
export function runUpgradeIpam(env: Environment): Promise<number> {
  return exitCodeOf('upgrade-ipam', async (log) => {
    if (isPolicyOnly(env))
      return log.info('addresses stay with the network that gives them out (networking: policy-only)');
    await takeOver(env, { keep: true }, log);
  });
}

async function takeOver(env: Environment, how: Pick<UpgradeIpamOptions, 'keep'>, log: Logger): Promise<void> {
  const options = { ...upgradeIpamOptions(env), ...how };
  // Nearly every start of a node: nothing to do, and no reason to need the API server.
  const { nodeName, directory } = options;
  if (!(await hasLeases(options))) return log.info('no host-local leases to take over', { nodeName, directory });
  const kubernetes = httpKubeClient(env['KUBECONFIG'] ? await loadKubeconfig(env['KUBECONFIG']) : inClusterConfig(env));
  using stack = new DisposableStack();
  stack.defer(() => kubernetes.close());
  const datastore = stack.use(await openDatastore(env, kubernetes, (message) => log.warn(message)));
  const stop = stack.adopt(new AbortController(), (controller) => controller.abort());
  const onError = (what: string, error: unknown): void => log.warn(what, { error: messageOf(error) });
  const client = lockableClient(datastore.client, onError, stop.signal);
  const store = kubeBlockStore({ client, report: (message) => log.warn(message) });
  const bootId = openSysctl().read(BOOT_ID) ?? '';
  await upgradeIpam(
    { ...options, bootId, hostAddresses: hostAddresses(env['SLUICE_NETWORK_BEFORE'] ?? '') },
    { client, store, log, now: Date.now },
  );
}

/** Of this node's own interfaces; tunnels of the network before go, and ours get their addresses. */
function hostAddresses(before: string): readonly Ip[] {
  const kept = Object.entries(networkInterfaces()).filter(([name]) => !isOldTunnel(before, name));
  const all = kept.flatMap(([, interfaces]) => interfaces ?? []);
  return all.map(({ address }) => parseIp(address)).filter((ip) => ip !== undefined);
}

async function exitCodeOf(program: string, run: (log: Logger) => Promise<unknown>): Promise<number> {
  const log = jsonLogger(
    { level: 'info', fields: { program } },
    { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
  );
  try {
    await run(log);
    return 0;
  } catch (error) {
    process.stderr.write(`sluice ${program}: ${messageOf(error)}\n`);
    return 2;
  }
}
