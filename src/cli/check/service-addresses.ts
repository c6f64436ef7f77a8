import { formatIp, type Ip } from '../../base/ip/index.ts';
import type { ClusterState, ServiceInfo } from '../../core/policy/cluster.ts';
import type { FlowProtocol } from '../../core/policy/flow.ts';
import type { AskedPort } from './port-text.ts';

/** Finds the Service that an address belongs to; of several that claim one the first by name has it. */
export class ServiceAddresses {
  readonly #state: ClusterState;
  #byAddress: ReadonlyMap<string, readonly Owner[]> | undefined;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /**
   * A cluster address is the Service's on every port. Others, which several Services may share and a node may have itself,
   * are the Service's only on the ports that it has.
   */
  find(ip: Ip, protocol: FlowProtocol, port: AskedPort | undefined): ServiceInfo | undefined {
    this.#byAddress ??= index(this.#state);
    const owners = this.#byAddress.get(formatIp(ip)) ?? [];
    return owners.find(({ service, isInternal }) => isInternal || hasPort(service, protocol, port))?.service;
  }
}

interface Owner {
  readonly service: ServiceInfo;
  /** Whether it is an address that only Services have. */
  readonly isInternal: boolean;
}

function hasPort({ ports }: ServiceInfo, protocol: FlowProtocol, asked: AskedPort | undefined): boolean {
  if (asked?.kind !== 'range' || asked.first !== asked.last) return false;
  return ports.some((each) => each.protocol === protocol && each.port === asked.first);
}

function index({ services }: ClusterState): ReadonlyMap<string, readonly Owner[]> {
  const sorted = [...services.values()].filter(({ type }) => type !== 'ExternalName');
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  const owners = sorted.flatMap((service) => [
    ...service.clusterIps.map((ip) => ({ ip, service, isInternal: true })),
    ...service.externalIps.map((ip) => ({ ip, service, isInternal: false })),
  ]);
  return Map.groupBy(owners, ({ ip }) => formatIp(ip));
}
