import type { PodSpec } from 'kubernetes-types/core/v1.d.ts';

/** The cluster's name servers and its domain, such as `cluster.local`. */
export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
}

/** The text of a container's /etc/resolv.conf, by `dnsPolicy` and `dnsConfig`. `node` is the node's own file. */
export function resolvConf(spec: PodSpec, namespace: string, cluster: ClusterDns, node: string): string {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig = {} } = spec;
  const ofCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  const extra = {
    servers: dnsConfig.nameservers ?? [],
    searches: dnsConfig.searches ?? [],
    options: (dnsConfig.options ?? []).map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`)),
  };
  if (!ofCluster && dnsPolicy !== 'None') return node + lines([...extra.servers], extra.searches, extra.options);
  const domain = cluster.domain;
  const servers = ofCluster ? [...cluster.servers, ...extra.servers] : extra.servers;
  const searches = ofCluster
    ? [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...extra.searches]
    : extra.searches;
  const own = ofCluster && !extra.options.some((option) => option.startsWith('ndots:')) ? ['ndots:5'] : [];
  return lines(servers, searches, [...own, ...extra.options]);
}

function lines(servers: readonly string[], searches: readonly string[], options: readonly string[]): string {
  const text = servers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) text.push(`search ${[...new Set(searches)].join(' ')}`);
  if (options.length > 0) text.push(`options ${options.join(' ')}`);
  return text.map((line) => `${line}\n`).join('');
}
