import type { Namespace, Service } from 'kubernetes-types/core/v1.d.ts';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import { formatIp, parseIp } from '../../../base/ip/index.ts';
import type { Informer } from '../../../host/kube-client/informer.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { ENDPOINT_SLICES, NAMESPACES, SERVICES } from '../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../host/kube-client/types.ts';
import type { DnsEndpoint, DnsService, DnsView } from './zone.ts';

interface Slice {
  readonly service: string;
  readonly endpoints: readonly (DnsEndpoint & { readonly ready: boolean })[];
}

interface KnownService extends DnsService {
  readonly publishNotReady: boolean;
}

/** A {@link DnsView} that follows the cluster. `synced` resolves when it is complete. */
export function clusterView(
  client: KubeClient,
  options: Pick<DnsView, 'domain' | 'outside'>,
  signal: AbortSignal,
): { readonly view: DnsView; readonly synced: Promise<void> } {
  const services = informer<Service, KnownService>(client, SERVICES, { project: toService }, signal);
  const slices = new SlicesByService();
  const endpoints = informer<EndpointSlice, Slice>(
    client,
    ENDPOINT_SLICES,
    {
      project: toSlice,
      onDelta: (delta) => {
        if (delta.previous !== undefined) slices.remove(delta.key, delta.previous);
        if (delta.kind === 'set') slices.add(delta.key, delta.object);
      },
    },
    signal,
  );
  const namespaces = informer<Namespace, true>(client, NAMESPACES, { project: () => true }, signal);
  const synced = Promise.all([services.synced, endpoints.synced, namespaces.synced]).then(() => undefined);
  return { synced, view: { ...options, ...lookups(services, namespaces, slices) } };
}

function lookups(
  services: Informer<KnownService>,
  namespaces: Informer<true>,
  slices: SlicesByService,
): Omit<DnsView, 'domain' | 'outside'> {
  const endpointsOf = (namespace: string, name: string): readonly DnsEndpoint[] => {
    const all = slices.endpoints(`${namespace}/${name}`);
    return services.items.get(`${namespace}/${name}`)?.publishNotReady ? all : all.filter(({ ready }) => ready);
  };
  return {
    service: (namespace, name) => services.items.get(`${namespace}/${name}`),
    endpoints: endpointsOf,
    hasNamespace: (name) => namespaces.items.has(name),
    // Reverse questions are rare enough for a walk through everything.
    serviceAt: (address) => [...services.items.values()].find(({ addresses }) => addresses.includes(address)),
    endpointAt: (address) => {
      for (const service of services.items.values()) {
        if (service.kind !== 'headless') continue;
        const endpoint = endpointsOf(service.namespace, service.name).find((each) => each.address === address);
        if (endpoint !== undefined) return { service, endpoint };
      }
      return undefined;
    },
  };
}

class SlicesByService {
  readonly #slices = new Map<string, Map<string, Slice>>();

  add(key: string, slice: Slice): void {
    const of = this.#slices.get(slice.service) ?? new Map<string, Slice>();
    this.#slices.set(slice.service, of.set(key, slice));
  }

  remove(key: string, slice: Slice): void {
    this.#slices.get(slice.service)?.delete(key);
  }

  endpoints(service: string): Slice['endpoints'] {
    return [...(this.#slices.get(service)?.values() ?? [])].flatMap((slice) => slice.endpoints);
  }
}

function toService({ metadata = {}, spec = {} }: Service): KnownService {
  const addresses = (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== 'None');
  const isExternal = spec.type === 'ExternalName';
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    kind: isExternal ? 'external-name' : spec.clusterIP === 'None' ? 'headless' : 'cluster-ip',
    addresses: isExternal ? [] : addresses.map(canonical),
    ...(isExternal ? { target: (spec.externalName ?? '').replace(/\.$/, '') } : {}),
    ports: (spec.ports ?? []).map(({ name = '', port, protocol = 'TCP' }) => ({ name, port, protocol })),
    publishNotReady: spec.publishNotReadyAddresses ?? false,
  };
}

function toSlice({ metadata = {}, endpoints, ports }: EndpointSlice): Slice {
  const service = metadata.labels?.['kubernetes.io/service-name'] ?? '';
  // The API's own encoder writes null for an empty list.
  const offered = (ports ?? []).map(({ name = '', port = 0, protocol = 'TCP' }) => ({ name, port, protocol }));
  return {
    service: `${metadata.namespace}/${service}`,
    endpoints: ((endpoints as typeof endpoints | null) ?? []).flatMap(({ addresses, hostname, conditions }) =>
      addresses.map((address) => ({
        address: canonical(address),
        ...(hostname === undefined ? {} : { hostname }),
        ports: offered,
        ready: conditions?.ready ?? true,
      })),
    ),
  };
}

function canonical(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}
