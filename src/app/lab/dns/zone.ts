/** One Service as DNS shows it. */
export interface DnsService {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster-ip' | 'headless' | 'external-name';
  /** ClusterIP addresses of any family; empty unless `cluster-ip`. */
  readonly addresses: readonly string[];
  /** `external-name` only. */
  readonly target?: string;
  readonly ports: readonly DnsPort[];
}

/** A port of a Service, for SRV records. */
export interface DnsPort {
  /** Empty for a port without a name. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** One address behind a Service. */
export interface DnsEndpoint {
  readonly address: string;
  readonly hostname?: string;
  readonly ports: readonly DnsPort[];
}

/** What the server answers from. */
export interface DnsView {
  /** `cluster.local`. */
  readonly domain: string;
  service(namespace: string, name: string): DnsService | undefined;
  endpoints(namespace: string, name: string): readonly DnsEndpoint[];
  hasNamespace(name: string): boolean;
  /** The Service that has this ClusterIP. */
  serviceAt(address: string): DnsService | undefined;
  /** The headless Service and endpoint at this address. */
  endpointAt(address: string): { readonly service: DnsService; readonly endpoint: DnsEndpoint } | undefined;
  /** Names outside the cluster that are known all the same: lower-case name → addresses. */
  readonly outside: Readonly<Record<string, readonly string[]>>;
}
