import { formatIp } from '../../base/ip/index.ts';
import { endpointsOf } from './endpoints.ts';
import { namedServers } from './external-name.ts';
import type { NamedServers } from './external-name.ts';
import type { Endpoint } from './model.ts';
import type { ServiceTarget } from './read-ingress.ts';
import type { IngressWorld } from './world.ts';

/** Servers behind what a path names. */
export interface Servers extends NamedServers {
  /** The name that stands for them, as a Service of type ExternalName has it. */
  readonly external?: string;
  /** None of them is of the cluster. */
  readonly isElsewhere?: true;
}

type Surroundings = Pick<IngressWorld, 'services' | 'slices' | 'names'>;

/** The servers behind a Service's port, also behind an ExternalName. */
export function serversOf(target: ServiceTarget, viaService: boolean, world: Surroundings): Servers {
  const service = world.services.get(target.service);
  if (service?.spec?.type !== 'ExternalName') return endpointsOf(target, viaService, world);
  const servers = namedServers(service, target, world.names ?? new Map());
  const elsewhere = isElsewhere(servers.endpoints, world) ? ({ isElsewhere: true } as const) : {};
  return { ...servers, external: service.spec.externalName ?? '', ...elsewhere };
}

/**
 * Whether no address is that of a Service or of an endpoint. A name of the cluster's own must not be a way past the
 * policies of its pods: there the client stays the source.
 */
function isElsewhere(endpoints: readonly Endpoint[], { services, slices }: Surroundings): boolean {
  const hosts = new Set(endpoints.map(({ host }) => host));
  for (const { spec } of services.values()) if (spec?.clusterIPs?.some((ip) => hosts.has(ip)) === true) return false;
  for (const list of slices.values())
    for (const slice of list) if (slice.endpoints.some(({ address }) => hosts.has(formatIp(address)))) return false;
  return true;
}
