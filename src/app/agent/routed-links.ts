import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { endpointItems } from '../../core/routing/index.ts';
import type { LinkReaper } from '../../host/netlink/link-reaper.ts';
import type { NetworkChange } from '../../host/netlink/port.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { createPodLink } from './pod-link.ts';
import type { PodLinkDependencies } from './pod-link.ts';

export interface RoutedLinksDependencies extends PodLinkDependencies {
  readonly reaper: Pick<LinkReaper, 'delete'>;
  readonly log: Logger;
}

/** Devices whose packets are wrapped by a network: pods' must fit in. */
const TUNNELS: ReadonlySet<string | undefined> = new Set(['vxlan', 'ipip', 'sit', 'tun', 'wireguard', 'geneve']);

/**
 * Pods' links on a node whose other routes are somebody else's: the pair, the pod's own routes, and one route per address
 * to the pair. That is all that is made here, and it goes with the pair.
 */
export class RoutedLinks {
  readonly #dependencies: RoutedLinksDependencies;

  constructor(dependencies: RoutedLinksDependencies) {
    this.#dependencies = dependencies;
  }

  /** MTU for the next pod: of the narrowest device that could carry its packets away. */
  get mtu(): number {
    const { netlink } = this.#dependencies;
    const widths = netlink.links().flatMap(({ kind, mtu, name }) =>
      // A device of ours is none of that network's.
      TUNNELS.has(kind) && !name.endsWith('.sluice') ? [mtu] : [],
    );
    const route = netlink.routes({ family: 4 }).find(({ destination }) => destination.prefix === 0);
    const uplink = route?.link === undefined ? undefined : netlink.link(route.link);
    return Math.min(uplink?.mtu ?? 1500, ...widths);
  }

  /** Throws the kernel's error; what was made until then goes by {@link RoutedLinks.unwire}. */
  wire(record: EndpointRecord): void {
    createPodLink(record, this.#dependencies);
    this.#dependencies.netlink.apply(routesTo(record));
  }

  async unwire({ interface: name }: EndpointRecord): Promise<void> {
    if (isRouted(name)) await this.#dependencies.reaper.delete(name);
  }

  /** Puts back what somebody may have taken away. */
  repair(records: Iterable<EndpointRecord>): void {
    const changes = [...records].filter((record) => isRouted(record.interface)).flatMap(routesTo);
    const error = this.#dependencies.netlink.attempt(changes).find((each) => each !== undefined);
    if (error !== undefined) this.#dependencies.log.warn('cannot keep the route to a pod', { error: messageOf(error) });
  }
}

/** Whether the interface is one that this agent makes. */
function isRouted(name: string): boolean {
  return name.startsWith(INTERFACE_PREFIX);
}

function routesTo(record: EndpointRecord): readonly NetworkChange[] {
  const { routes, neighbours } = endpointItems(record);
  return [
    ...neighbours.map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
    ...routes.map((route) => ({ kind: 'replace-route', route }) as const),
  ];
}
