import { SluiceError } from '../../base/errors.ts';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { LOG_LEVELS, isLogLevel } from '../../base/log.ts';
import type { LogLevel } from '../../base/log.ts';
import { defaultPools } from '../../core/ipam/index.ts';
import type { IpPool } from '../../core/ipam/index.ts';
import type { NetConf } from '../../core/flannel/index.ts';
import { CONFIGURABLE_BACKENDS, parseAddressMethod } from '../../core/routing/index.ts';
import type { AddressMethod, BackendName } from '../../core/routing/index.ts';
import type { NetworkBefore } from './other-networks.ts';
import { flannelNetConf, withFlannel } from './flannel-options.ts';
import { macvlanOptions } from './macvlan-options.ts';
import type { MacvlanOptions } from './macvlan-options.ts';
import type { AddressMethods } from './own-addresses.ts';
import { runDirOf } from './run-dir.ts';
import type { Environment } from './run-dir.ts';
import { serviceMode } from './service-mode.ts';
import type { ServiceMode } from './service-mode.ts';
import { policyOnlyOptions } from './policy-only-options.ts';
import type { PolicyOnlyOptions } from './policy-only-options.ts';

/** How one node's agent is set up. */
export interface AgentOptions {
  /** The Node object's name. */
  readonly node: string;
  /** The namespace that the agent runs in. */
  readonly namespace?: string;
  readonly backend: BackendName;
  /** MTU of pod interfaces; 0: found from the routes to the peers. */
  readonly mtu: number;
  /** Where the sockets are: `cni.sock` and `agent.sock`. */
  readonly runDir: string;
  /** What survives a restart of the agent and of the node. */
  readonly stateDir: string;
  readonly logLevel: LogLevel;
  /** TCP port of 127.0.0.1 that answers `GET /healthz`; absent or 0: none. */
  readonly healthPort?: number;
  /** VXLAN's network identifier and UDP port, where they are not the usual ones: with flannel's 1 and 8472. */
  readonly vxlan?: { readonly vni?: number; readonly port?: number };
  /** UDP port of the `udp` backend, where it is not the usual one. */
  readonly udp?: { readonly port: number };
  /** How pods are attached to the node's own layer 2; absent: they are routed. */
  readonly macvlan?: MacvlanOptions;
  /** How the node's addresses are found; absent: the Node object's InternalIPs. */
  readonly addressMethods?: AddressMethods;
  /** The flannel network that the node is part of, if it is; `backend` and `vxlan` follow from it. */
  readonly flannel?: NetConf;
  /** The pools that a cluster gets which has none of their family. */
  readonly defaultPools?: readonly IpPool[];
  /** The node's network is somebody else's; `backend` then means nothing. */
  readonly policyOnly?: PolicyOnlyOptions;
  /** What spreads the connections of Services; absent: the packet filter. */
  readonly services?: ServiceMode;
  /** Whether known connections pass from device to device; absent: they do, where the kernel can. */
  readonly fastPath?: boolean;
  /** Whose node this was before; what it left in the kernel is removed. */
  readonly networkBefore?: NetworkBefore;
}

const NETWORKS_BEFORE: readonly string[] = ['calico', 'canal', 'flannel'] satisfies readonly NetworkBefore[];

/**
 * Reads the agent's environment, which the DaemonSet fills from ConfigMap `sluice-config`. Throws `invalid-options`
 * with every mistake in one message.
 */
export function agentOptions(env: Environment): AgentOptions {
  const problems: string[] = [];
  const node = env['NODE_NAME'] ?? '';
  if (node === '') problems.push('NODE_NAME is not set: the DaemonSet takes it from spec.nodeName');
  const backend = env['SLUICE_BACKEND'] ?? 'vxlan';
  if (!CONFIGURABLE_BACKENDS.includes(backend))
    problems.push(
      `SLUICE_BACKEND (calico_backend) is '${backend}', must be one of ${CONFIGURABLE_BACKENDS.join(', ')}`,
    );
  const mtu = Number(env['SLUICE_VETH_MTU'] ?? '0');
  // 68 is the smallest IPv4 MTU (RFC 791).
  if (!Number.isInteger(mtu) || mtu < 0 || mtu > 65_535 || (mtu > 0 && mtu < 68))
    problems.push(`SLUICE_VETH_MTU (veth_mtu) is '${env['SLUICE_VETH_MTU']}', must be 0 (detect) or 68 to 65535`);
  const logLevel = env['SLUICE_LOG_LEVEL'] ?? 'info';
  if (!isLogLevel(logLevel))
    problems.push(`SLUICE_LOG_LEVEL is '${logLevel}', must be one of ${LOG_LEVELS.join(', ')}`);
  const healthPort = Number(env['SLUICE_HEALTH_PORT'] ?? '0');
  if (!Number.isInteger(healthPort) || healthPort < 0 || healthPort > 65_535)
    problems.push(`SLUICE_HEALTH_PORT is '${env['SLUICE_HEALTH_PORT']}', must be 0 (none) to 65535`);
  const vni = whole(env, 'FELIX_VXLANVNI', 'vxlan_vni', [1, 0xffffff], problems);
  const port = whole(env, 'FELIX_VXLANPORT', 'vxlan_port', [1, 65_535], problems);
  const udpPort = whole(env, 'SLUICE_UDP_PORT', 'udp_port', [1, 65_535], problems);
  const addressMethods = {
    ...addressMethod(env, 4, 'IP', problems),
    ...addressMethod(env, 6, 'IP6', problems),
  };
  const pools = defaultPools(env, problems);
  const netConf = flannelNetConf(env, problems);
  const macvlan = macvlanOptions(env, problems);
  const before = env['SLUICE_NETWORK_BEFORE'] ?? '';
  if (before !== '' && !NETWORKS_BEFORE.includes(before))
    problems.push(
      `SLUICE_NETWORK_BEFORE (network_before) is '${before}', must be one of ${NETWORKS_BEFORE.join(', ')}, or empty`,
    );
  const policyOnly = policyOnlyOptions(env, problems);
  const services = serviceMode(env, problems);
  const fastPath = env['SLUICE_FAST_PATH'] || 'true';
  if (fastPath !== 'true' && fastPath !== 'false')
    problems.push(`SLUICE_FAST_PATH (fast_path) is '${fastPath}', must be true or false`);
  if (problems.length > 0) throw new SluiceError('invalid-options', problems.join('; '));
  const options: AgentOptions = {
    node,
    namespace: env['POD_NAMESPACE'] ?? 'kube-system',
    // Whatever it says: nothing is carried.
    backend: policyOnly === undefined ? (backend as BackendName) : 'none',
    mtu,
    runDir: runDirOf(env),
    stateDir: env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice',
    logLevel: logLevel as LogLevel,
    healthPort,
    vxlan: { ...(vni === undefined ? {} : { vni }), ...(port === undefined ? {} : { port }) },
    ...(udpPort === undefined ? {} : { udp: { port: udpPort } }),
    addressMethods,
    defaultPools: pools,
    services,
    fastPath: fastPath === 'true',
    ...(policyOnly === undefined ? {} : { policyOnly }),
    ...macvlan,
    ...(before === '' ? {} : { networkBefore: before as NetworkBefore }),
  };
  return netConf === undefined ? options : withFlannel(options, netConf);
}

/** Calico's variables: the address itself, or how it is found (`IP_AUTODETECTION_METHOD`); neither: no method. */
function addressMethod(
  env: Environment,
  family: Family,
  name: 'IP' | 'IP6',
  problems: string[],
): Partial<Record<Family, AddressMethod>> {
  const fixed = env[name] ?? '';
  if (fixed !== '' && fixed !== 'autodetect' && fixed !== 'none') {
    const address = parseIp(fixed) ?? parseCidr(fixed)?.ip;
    if (address?.family === family) return { [family]: { kind: 'address', address } };
    problems.push(`${name} is '${fixed}', must be an IPv${family} address, autodetect or none`);
    return {};
  }
  const text = env[`${name}_AUTODETECTION_METHOD`] ?? '';
  if (text === '' || fixed === 'none') return {};
  const method = parseAddressMethod(text);
  if (typeof method !== 'string') return { [family]: method };
  problems.push(`${name}_AUTODETECTION_METHOD is '${text}': ${method}`);
  return {};
}

/** A whole number of the environment; undefined when it is not set. `key` is its name in the ConfigMap. */
function whole(
  env: Environment,
  name: string,
  key: string,
  [least, most]: readonly [number, number],
  problems: string[],
): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  problems.push(`${name} (${key}) is '${text}', must be a whole number from ${least} to ${most}`);
  return undefined;
}
