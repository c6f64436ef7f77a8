import { formatIp } from '../../base/ip/index.ts';
import type { Service } from '../kube/types.ts';
import { serviceSpec } from '../service/index.ts';
import { backendsOf } from '../service/translate.ts';
import type { Endpoint } from './model.ts';
import type { ServiceTarget } from './read-ingress.ts';
import type { IngressWorld } from './world.ts';

/**
 * The servers behind a Service's port, `others` by their addresses of the other family; `viaService`: the Service's own
 * address. A problem says why there are none to be.
 */
export function endpointsOf(
  { service: key, port: wanted }: ServiceTarget,
  viaService: boolean,
  { services, slices }: Pick<IngressWorld, 'services' | 'slices'>,
): { readonly endpoints: readonly Endpoint[]; readonly others?: readonly Endpoint[]; readonly problem?: string } {
  const service = services.get(key);
  if (service === undefined) return { endpoints: [], problem: `Service ${key} does not exist` };
  if (service.spec?.type === 'ExternalName')
    return { endpoints: [], problem: `Service ${key} is of type ExternalName, which has no endpoints` };
  const spec = serviceSpec(service);
  const port = spec.ports.find(
    (each) => each.protocol === 'TCP' && (typeof wanted === 'number' ? each.port === wanted : each.name === wanted),
  );
  if (port === undefined)
    return { endpoints: [], problem: `Service ${key} has no TCP port ${wanted}${offers(service)}` };
  const [clusterIp] = spec.clusterIps;
  if (viaService && clusterIp !== undefined) return { endpoints: [{ host: formatIp(clusterIp), port: port.port }] };
  const all = backendsOf(port, slices.get(key) ?? []);
  // A pod has an address of each family: one of them is enough, that of the Service's own first address.
  const family = clusterIp?.family ?? (all.some(({ address }) => address.family === 4) ? 4 : 6);
  const at = (own: boolean): Endpoint[] =>
    all
      .filter(({ address }) => (address.family === family) === own)
      .map(({ address, port: target }) => ({ host: formatIp(address), port: target }));
  return { endpoints: at(true), others: at(false) };
}

function offers({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(({ name, port }) => (name === undefined ? `${port}` : `${name} (${port})`));
  return ports.length === 0 ? '' : `; it has ${ports.join(', ')}`;
}
