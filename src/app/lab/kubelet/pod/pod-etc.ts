import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeletConfig } from '../config.ts';
import { resolvConf } from './dns-config.ts';
import { hostsFile } from './hosts-file.ts';
import type { PodContext } from './pod-context.ts';
import type { NodePod } from './types.ts';

/** Writes what all containers of the pod have in /etc into its directory; returns the paths. */
export function writeEtc(
  { spec, name, namespace }: NodePod,
  { directory, hostname, ips }: Pick<PodContext, 'directory' | 'hostname'> & { readonly ips: readonly string[] },
  { clusterDns, clusterDomain }: Pick<KubeletConfig, 'clusterDns' | 'clusterDomain'>,
): PodContext['etc'] {
  const etc = join(directory, 'etc');
  mkdirSync(etc, { recursive: true });
  const cluster = { servers: clusterDns, domain: clusterDomain };
  const files = {
    hosts: hostsFile(spec, { name, namespace, ips }, clusterDomain),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf(spec, namespace, cluster, readFileSync('/etc/resolv.conf', 'utf8')),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(etc, file), text);
  return { hosts: join(etc, 'hosts'), hostname: join(etc, 'hostname'), 'resolv.conf': join(etc, 'resolv.conf') };
}
