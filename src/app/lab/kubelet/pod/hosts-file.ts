import type { PodSpec } from 'kubernetes-types/core/v1.d.ts';

/** The name that a pod's processes see as their host's: `spec.hostname` or the pod's, cut to 63 characters. */
export function podHostname(spec: PodSpec, podName: string): string {
  return (spec.hostname ?? podName).slice(0, 63).replace(/[-.]+$/, '');
}

/** The text of a pod's /etc/hosts. */
export function hostsFile(
  spec: PodSpec,
  pod: { readonly name: string; readonly namespace: string; readonly ips: readonly string[] },
  clusterDomain: string,
): string {
  const hostname = podHostname(spec, pod.name);
  const names = spec.subdomain
    ? [`${hostname}.${spec.subdomain}.${pod.namespace}.svc.${clusterDomain}`, hostname]
    : [hostname];
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...pod.ips.map((ip) => `${ip}\t${names.join('\t')}`),
  ];
  const aliases = spec.hostAliases ?? [];
  if (aliases.length > 0) lines.push('', '# Entries added by HostAliases.');
  for (const { ip = '', hostnames = [] } of aliases) lines.push(`${ip}\t${hostnames.join('\t')}`);
  return `${lines.join('\n')}\n`;
}
