import { CNI_ERROR, CniError } from './errors.ts';
import { parseResult } from './result.ts';
import { CNI_VERSIONS } from './types.ts';
import type { CniAttachment, CniCommand, CniVersion, NetConf } from './types.ts';

/** Where the agent listens unless the configuration says otherwise. */
const DEFAULT_AGENT_SOCKET = '/run/sluice/cni.sock';
/** Where DEL leaves its notes for a dead agent unless the configuration says otherwise. */
export const DEFAULT_PENDING_DEL_DIR = '/var/lib/sluice/cni/pending-del';
/** Runtimes give up after minutes; a pod whose network is not up in this time is better retried. */
const DEFAULT_TIMEOUT_SECONDS = 30;

/**
 * Validates a network configuration. Throws a {@link CniError}: code 1 for a version that we do not speak, 7 for any
 * other mistake, all of them in one message. Keys that we do not know are kept in `raw` and otherwise ignored, as the
 * specification asks.
 */
function parseNetConf(config: Readonly<Record<string, unknown>>): NetConf {
  const cniVersion = parseVersion(config['cniVersion']);
  const problems: string[] = [];
  const text = (key: string, fallback?: string): string => {
    const value = config[key] ?? fallback;
    if (typeof value === 'string' && value !== '') return value;
    problems.push(`${key} must be a non-empty string`);
    return '';
  };
  const name = text('name');
  // CNI specification 1.1.0, §1: the same alphabet as container ids.
  if (name !== '' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    problems.push(`name ${JSON.stringify(name)} must begin with a letter or digit and use only letters, digits, _ . -`);
  const type = text('type');
  const agentSocket = absolutePath('agent_socket', text('agent_socket', DEFAULT_AGENT_SOCKET), problems);
  const pendingDelDir = absolutePath('pending_del_dir', text('pending_del_dir', DEFAULT_PENDING_DEL_DIR), problems);
  const timeoutSeconds = config['timeout_seconds'] ?? DEFAULT_TIMEOUT_SECONDS;
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0) || timeoutSeconds > 600)
    problems.push('timeout_seconds must be a number above 0 and at most 600');
  const mtu = config['mtu'];
  // 68 is the smallest IPv4 MTU (RFC 791); 0 means "detect", as in the ConfigMap's veth_mtu.
  if (mtu !== undefined && !(Number.isInteger(mtu) && (mtu === 0 || (Number(mtu) >= 68 && Number(mtu) <= 65535))))
    problems.push('mtu must be 0 (detect) or an integer from 68 to 65535');
  const validAttachments = parseAttachments(config['cni.dev/valid-attachments'], problems);
  const runtimeConfig = config['runtimeConfig'];
  if (runtimeConfig !== undefined && !isObject(runtimeConfig)) problems.push('runtimeConfig must be an object');
  if (problems.length > 0)
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `invalid network configuration: ${problems.join('; ')}`);
  const previous = config['prevResult'];
  return {
    cniVersion,
    name,
    type,
    ...(previous === undefined || previous === null ? {} : { prevResult: parseResult(previous) }),
    ...(isObject(runtimeConfig) ? { runtimeConfig } : {}),
    ...(validAttachments === undefined ? {} : { validAttachments }),
    ...(typeof mtu === 'number' ? { mtu } : {}),
    agentSocket,
    pendingDelDir,
    timeoutSeconds: timeoutSeconds as number,
    raw: config,
  };
}

/**
 * As {@link parseNetConf}, for a request. DEL, which must not fail for what it can do without, knows nothing of what ADD had
 * answered.
 */
export function parseNetConfFor(command: CniCommand | 'IPAM', config: Readonly<Record<string, unknown>>): NetConf {
  return parseNetConf(command === 'DEL' ? { ...config, prevResult: undefined } : config);
}

/** Whether `version` is one that we speak. */
export function isSupportedVersion(version: unknown): version is CniVersion {
  return (CNI_VERSIONS as readonly unknown[]).includes(version);
}

function parseVersion(version: unknown): CniVersion {
  if (isSupportedVersion(version)) return version;
  const found = version === undefined ? 'no cniVersion' : `cniVersion ${JSON.stringify(version)}`;
  throw new CniError(
    CNI_ERROR.incompatibleVersion,
    `incompatible CNI version: the configuration has ${found}, sluice supports ${CNI_VERSIONS.join(', ')}`,
  );
}

function absolutePath(key: string, path: string, problems: string[]): string {
  if (path !== '' && !path.startsWith('/')) problems.push(`${key} must be an absolute path`);
  return path;
}

function parseAttachments(value: unknown, problems: string[]): readonly CniAttachment[] | undefined {
  if (value === undefined) return undefined;
  const entries: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  const attachments = entries.map((entry) => {
    if (!isObject(entry)) return undefined;
    const { containerID, ifname } = entry;
    return typeof containerID === 'string' && typeof ifname === 'string' ? { containerID, ifname } : undefined;
  });
  const valid = attachments.filter((attachment) => attachment !== undefined);
  if (valid.length !== attachments.length)
    problems.push('cni.dev/valid-attachments must be a list of {containerID, ifname}');
  return valid;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
