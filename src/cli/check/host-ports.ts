import { equalIp, type Ip } from '../../base/ip/index.ts';
import type { ClusterState, HostPort, NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import type { FlowProtocol } from '../../core/policy/flow.ts';

interface Offer {
  readonly pod: PodEndpoint;
  readonly port: HostPort;
}

/** Finds the pod behind a host port of a node; of several that claim one the first by name has it. */
export class HostPorts {
  readonly #state: ClusterState;
  #byPort: ReadonlyMap<string, readonly Offer[]> | undefined;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  find(node: NodeEndpoint, ip: Ip, protocol: FlowProtocol, port: number): Offer | undefined {
    this.#byPort ??= index(this.#state);
    const offers = this.#byPort.get(`${node.name} ${protocol} ${port}`) ?? [];
    return offers.find(
      (offer) => isOfferedAt(offer.port, ip) && offer.pod.addresses.some(({ family }) => family === ip.family),
    );
  }
}

function isOfferedAt({ hostIp }: HostPort, ip: Ip): boolean {
  return hostIp === undefined || (hostIp.family === ip.family && (hostIp.value === 0n || equalIp(hostIp, ip)));
}

function index({ pods }: ClusterState): ReadonlyMap<string, readonly Offer[]> {
  const sorted = [...pods.values()].filter(({ completed }) => !completed).sort((a, b) => (a.key < b.key ? -1 : 1));
  const offers = sorted.flatMap((pod) => (pod.hostPorts ?? []).map((port) => ({ pod, port })));
  return Map.groupBy(offers, ({ pod, port }) => `${pod.node} ${port.protocol} ${port.port}`);
}
