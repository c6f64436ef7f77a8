/** How the proxy stands in its surroundings. */
export interface RenderOptions {
  /** Where its files are; absolute. */
  readonly folder: string;
  /** Addresses it listens on. */
  readonly addresses: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Answers `/healthz` and `/metrics`. */
  readonly statusPort: number;
  /** Clients come through a load balancer that sends the PROXY protocol. */
  readonly acceptProxy: boolean;
  /** Servers see the client's own address: the proxy speaks in its name. */
  readonly keepClient?: boolean;
  /** Certificate and key, PEM, for clients that ask for a host which nobody has a certificate for. */
  readonly defaultCertificate: string;
}

/** File names below the folder. */
export const FILES = {
  config: 'haproxy.cfg',
  plainHosts: 'plain-hosts.list',
  exact: 'exact.map',
  prefix: 'prefix.map',
  rank: 'rank.map',
  regex: 'regex.map',
  twins: 'twins.map',
  virtualHosts: 'virtual-hosts.map',
  virtualWildcards: 'virtual-wildcards.map',
  virtualExact: 'virtual-exact.map',
  virtualPrefix: 'virtual-prefix.map',
  certificateList: 'certificates.list',
  defaultCertificate: 'default.pem',
} as const;

/** The list of the certificates of one more port. */
export function certificateListFile(port: number): string {
  return `certificates-${port}.list`;
}

/** The file of a certificate by its name. */
export function certificateFile(name: string): string {
  return `tls/${name}.pem`;
}
