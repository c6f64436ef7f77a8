import type { Ip } from '../../../src/base/ip/index.ts';
import { primaryAddress, resolveService } from '../../../src/core/policy/index.ts';
import type { ClusterState, Flow, PortProtocol, ServicePortInfo } from '../../../src/core/policy/index.ts';

/** An address and port that are translated, with all places that they may lead to. */
export interface Frontend {
  readonly protocol: PortProtocol;
  readonly via: { readonly address: Ip; readonly port: number };
  /** Of a NodePort: what a client outside enters by. */
  readonly entry?: NonNullable<Flow['entry']>;
  /** Never empty. */
  readonly backends: readonly { readonly ip: Ip; readonly port: number }[];
}

/** The ports of Services by their own addresses and by those of every node, in each family. */
export function frontendsOf(state: ClusterState): Frontend[] {
  return [...state.services.values()].flatMap((service) =>
    service.ports.flatMap((port) =>
      service.clusterIps.flatMap((address): Frontend[] => {
        const resolved = resolveService(state, service, { ...port, family: address.family });
        const backends = resolved.kind === 'backends' ? resolved.backends : [];
        const known = backends.flatMap(({ ip, port: target }) => (ip === undefined ? [] : [{ ip, port: target }]));
        if (known.length === 0 || known.length < backends.length) return [];
        return waysTo(state, port, address).map((way) => ({ ...way, backends: known }));
      }),
    ),
  );
}

function waysTo(state: ClusterState, { protocol, port, nodePort }: ServicePortInfo, address: Ip) {
  const own = { protocol, via: { address, port } };
  if (nodePort === undefined) return [own];
  const byNodes = [...state.nodes.values()].flatMap((node) => {
    const ip = primaryAddress(node, address.family);
    return ip === undefined
      ? []
      : [{ protocol, via: { address: ip, port: nodePort }, entry: { node, ip, port: nodePort } }];
  });
  return [own, ...byNodes];
}
