import type { ClusterState, ServiceInfo, ServicePortInfo } from '../../core/policy/cluster.ts';
import type { FlowProtocol } from '../../core/policy/flow.ts';

/** A port of every node that leads to a Service. */
export interface NodePort {
  readonly service: ServiceInfo;
  readonly port: ServicePortInfo;
}

/** Finds the Service behind a port of nodes; of several that claim one the first by name has it. */
export class NodePorts {
  readonly #state: ClusterState;
  #byPort: ReadonlyMap<string, NodePort> | undefined;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  find(protocol: FlowProtocol, port: number): NodePort | undefined {
    this.#byPort ??= index(this.#state);
    return this.#byPort.get(`${protocol} ${port}`);
  }
}

function index({ services }: ClusterState): ReadonlyMap<string, NodePort> {
  const found = new Map<string, NodePort>();
  const sorted = [...services.values()].sort((a, b) => (a.key < b.key ? 1 : -1));
  for (const service of sorted)
    for (const port of service.ports)
      if (port.nodePort !== undefined) found.set(`${port.protocol} ${port.nodePort}`, { service, port });
  return found;
}
