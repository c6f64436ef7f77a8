import { readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { installExecutable, writeFileAtomic } from '../../host/files/atomic.ts';
import { isExecutable } from '../../host/files/is-executable.ts';
import { chainBehind } from './chain-behind.ts';
import { pluginTypes, renderNetworkConfig } from './network-config.ts';

/** What `sluice install-cni` is told, usually by the DaemonSet's environment: see {@link installCniOptions}. */
export interface InstallCniOptions {
  /** The compiled plugin. */
  readonly executable: string;
  readonly binDir: string;
  /** Where plugins come from that the chain names and the host lacks: Debian's containernetworking-plugins in our image. */
  readonly suppliedDir: string;
  readonly confDir: string;
  readonly confName: string;
  /** The ConfigMap's `cni_network_config`; absent: the default chain. */
  readonly template: string | undefined;
  readonly nodeName: string;
  readonly mtu: number;
  readonly kubeconfigPath: string;
  /** Plugins of the network that the node had before: configurations that call them are moved aside. */
  readonly replaces?: readonly string[];
  /** Another network wires the pods; without a template our plugin comes behind its plugins. */
  readonly policyOnly?: boolean;
}

/** Whose plugins the networks are that a node can be migrated from. */
const PLUGINS_BEFORE: Readonly<Record<string, readonly string[]>> = {
  calico: ['calico'],
  canal: ['calico', 'flannel'],
  flannel: ['flannel'],
};

/** Appended to the name of a configuration that was moved aside; runtimes read none of that ending. */
const ASIDE = '.before-sluice';

/** What the installation reports to. */
export interface InstallCniDependencies {
  readonly log: Logger;
}

/** Reads the options from the environment; throws a SluiceError (`bad-options`) with all that is wrong. */
export function installCniOptions(
  env: Readonly<Record<string, string | undefined>>,
  defaults: { readonly executable: string },
): InstallCniOptions {
  const problems: string[] = [];
  const nodeName = env['KUBERNETES_NODE_NAME'] ?? env['NODE_NAME'] ?? '';
  if (nodeName === '') problems.push('NODE_NAME is not set (use fieldRef spec.nodeName)');
  const mtuText = env['CNI_MTU'] ?? '0';
  const mtu = Number(mtuText);
  if (!/^\d+$/.test(mtuText) || (mtu !== 0 && mtu < 68) || mtu > 65535)
    problems.push(`CNI_MTU is ${JSON.stringify(mtuText)}: expected 0 (detect) or 68 to 65535`);
  const confDir = env['CNI_NET_DIR'] ?? '/etc/cni/net.d';
  const confName = env['CNI_CONF_NAME'] ?? '10-sluice.conflist';
  if (!/^[^/]+\.conflist$/.test(confName))
    problems.push(`CNI_CONF_NAME is ${JSON.stringify(confName)}: expected a file name that ends in .conflist`);
  const before = env['SLUICE_NETWORK_BEFORE'] ?? '';
  const replaces = before === '' ? [] : PLUGINS_BEFORE[before];
  if (replaces === undefined)
    problems.push(
      `SLUICE_NETWORK_BEFORE is ${JSON.stringify(before)}: expected ${Object.keys(PLUGINS_BEFORE).join(', ')} or nothing`,
    );
  if (problems.length > 0) throw new SluiceError('bad-options', `install-cni: ${problems.join('; ')}`, { problems });
  return {
    executable: env['SLUICE_CNI_BINARY'] ?? defaults.executable,
    binDir: env['CNI_BIN_DIR'] ?? '/opt/cni/bin',
    suppliedDir: env['CNI_SUPPLIED_DIR'] ?? '/usr/lib/cni',
    confDir,
    confName,
    template: env['CNI_NETWORK_CONFIG'],
    nodeName,
    mtu,
    kubeconfigPath: env['CNI_KUBECONFIG'] ?? join(confDir, 'sluice-kubeconfig'),
    replaces: replaces ?? [],
    policyOnly: isPolicyOnly(env),
  };
}

/** Whether the node's network is somebody else's; the agent says what is wrong with other values. */
export function isPolicyOnly(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['SLUICE_NETWORKING'] === 'policy-only';
}

/**
 * Puts the plugin where the runtime looks for it and then, as the last step because it makes the node ready, writes the
 * conflist. A bad template changes nothing. Safe to repeat, also while pods are being started.
 */
export async function installCni(options: InstallCniOptions, { log }: InstallCniDependencies): Promise<void> {
  const { executable, binDir, suppliedDir, confDir, confName, template } = options;
  const isInstalled = (type: string): boolean => isExecutable(join(binDir, type));
  const isSupplied = (type: string): boolean => isExecutable(join(suppliedDir, type));
  const isOurs = (template ?? '').trim() !== '' || options.policyOnly !== true;
  const text = isOurs ? template : chainBehind(confDir, confName);
  const conflist = renderNetworkConfig(text, options);
  if (!isExecutable(executable))
    throw new SluiceError('not-built', `the CNI plugin ${executable} does not exist: run npm run build`, {
      executable,
    });
  const target = join(binDir, 'sluice');
  const change = await installExecutable(executable, target);
  for (const type of pluginTypes(conflist))
    if (!isInstalled(type) && isSupplied(type)) await installExecutable(join(suppliedDir, type), join(binDir, type));
  const missing = pluginTypes(conflist).filter((type) => !isInstalled(type));
  if (missing.length > 0)
    log.warn('the chain names plugins that are not installed; pods will not start until they are', { missing, binDir });
  const path = join(confDir, confName);
  await writeFileAtomic(path, conflist, 0o644);
  // Ours is there before theirs goes: the runtime is never without one.
  for (const name of earlierConfigs(confDir, confName)) {
    if (!callsAny(join(confDir, name), options.replaces ?? [])) continue;
    renameSync(join(confDir, name), join(confDir, `${name}${ASIDE}`));
    log.info('the configuration of the network before is moved aside', { from: name, to: `${name}${ASIDE}` });
  }
  const earlier = earlierConfigs(confDir, confName);
  if (earlier.length > 0)
    log.warn('another network configuration sorts before ours and will be used by the runtime', { earlier, path });
  log.info('CNI plugin installed', { plugin: target, change, conflist: path });
}

function earlierConfigs(directory: string, ours: string): readonly string[] {
  return readdirSync(directory).filter((name) => /\.(conflist|conf|json)$/.test(name) && name < ours);
}

/** Whether the file is a CNI configuration, of one plugin or a chain, with one of `types` in it. */
function callsAny(path: string, types: readonly string[]): boolean {
  try {
    const config = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly type?: string;
      readonly plugins?: readonly { readonly type?: string }[];
    } | null;
    return [config, ...(config?.plugins ?? [])].some((plugin) => types.includes(plugin?.type ?? ''));
  } catch {
    // What is no configuration is not the runtime's either.
    return false;
  }
}
