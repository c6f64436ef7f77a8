import { formatIp } from '../../base/ip/index.ts';
import { serviceSpec } from '../service/index.ts';
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
  /** The same servers by their addresses of the other family. */
  readonly others?: readonly Endpoint[];
  /** None of them is of the cluster. */
  readonly isElsewhere?: true;
}

type Surroundings = Pick<IngressWorld, 'services' | 'slices' | 'names' | 'keepClient'>;

/**
 * The servers behind a Service's port, also behind an ExternalName. Where pods see the client itself, a Service's address
 * is never asked: what the node sends to one is its own, and past the policies of pods there.
 */
export function serversOf(target: ServiceTarget, viaService: boolean, world: Surroundings): Servers {
  const service = world.services.get(target.service);
  if (service?.spec?.type !== 'ExternalName')
    return endpointsOf(target, viaService && world.keepClient !== true, world);
  const { endpoints, ...servers } = namedServers(service, target, world.names ?? new Map());
  const led = endpoints.map((each) => ownServers(each, world));
  const elsewhere = led.every((each) => each === undefined) ? ({ isElsewhere: true } as const) : {};
  const all = led.flatMap((each, index) => each ?? [endpoints[index]!]);
  return { ...servers, endpoints: all, external: service.spec.externalName ?? '', ...elsewhere };
}

/** What an address of the cluster's own leads to: a Service's to its servers. Undefined when it is of elsewhere. */
function ownServers(endpoint: Endpoint, world: Surroundings): readonly Endpoint[] | undefined {
  for (const [key, service] of world.services) {
    const isIts = serviceSpec(service).addresses.some((address) => formatIp(address) === endpoint.host);
    if (isIts) return endpointsOf({ service: key, port: endpoint.port }, false, world).endpoints;
  }
  for (const list of world.slices.values())
    for (const { endpoints } of list)
      if (endpoints.some(({ address }) => formatIp(address) === endpoint.host)) return [endpoint];
  return undefined;
}
