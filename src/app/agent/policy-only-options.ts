import { join } from 'node:path';
import type { Environment } from './run-dir.ts';

/** Policy on a network that is somebody else's. */
export interface PolicyOnlyOptions {
  /** Prefixes of the interfaces of that network's pods; absent: the FelixConfiguration's, or Calico's own. */
  readonly prefixes: readonly string[] | undefined;
  /** The CNI chain that install-cni has written; it goes when the node is handed over. */
  readonly conflist?: string;
}

/** What Calico's plugin names its interfaces by, and Felix assumes. */
export const DEFAULT_PREFIX = 'cali';

/** Reads `networking` and `interface_prefix` of ConfigMap `sluice-config`; undefined where the network is Sluice's own. */
export function policyOnlyOptions(env: Environment, problems: string[]): PolicyOnlyOptions | undefined {
  const networking = env['SLUICE_NETWORKING'] ?? '';
  if (networking === '' || networking === 'sluice') return undefined;
  if (networking !== 'policy-only')
    problems.push(`SLUICE_NETWORKING (networking) is '${networking}', must be sluice or policy-only`);
  const text = env['FELIX_INTERFACEPREFIX'] ?? '';
  const prefixes = text === '' ? undefined : interfacePrefixes(text);
  if (text !== '' && prefixes === undefined)
    problems.push(
      `FELIX_INTERFACEPREFIX (interface_prefix) is '${text}', must be names of up to 15 characters, separated by commas`,
    );
  const conflist = env['CNI_CONF_NAME'];
  if (conflist === undefined) return { prefixes };
  return { prefixes, conflist: join(env['CNI_NET_DIR'] ?? '/etc/cni/net.d', conflist) };
}

/** `cali,veth`; undefined when one of them cannot begin the name of an interface. */
export function interfacePrefixes(text: string): readonly string[] | undefined {
  const prefixes = text.split(',').map((each) => each.trim());
  return prefixes.every((each) => /^[\x21-\x7e]{1,15}$/.test(each) && !each.includes('/')) ? prefixes : undefined;
}
