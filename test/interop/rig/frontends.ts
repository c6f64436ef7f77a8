import type { Ip } from '../../../src/base/ip/index.ts';
import { resolveService } from '../../../src/core/policy/index.ts';
import type { ClusterState, PortProtocol } from '../../../src/core/policy/index.ts';

/** A Service's address and port with the one place that it leads to. */
export interface SingleBackend {
  readonly protocol: PortProtocol;
  readonly via: { readonly address: Ip; readonly port: number };
  readonly backend: { readonly ip: Ip; readonly port: number };
}

/** The ports of Services in each family that lead to one place, so that a connection can only arrive there. */
export function singleBackends(state: ClusterState): SingleBackend[] {
  return [...state.services.values()].flatMap((service) =>
    service.ports.flatMap(({ port, protocol }) =>
      service.clusterIps.flatMap((address): SingleBackend[] => {
        const resolved = resolveService(state, service, { port, protocol, family: address.family });
        const [backend, other] = resolved.kind === 'backends' ? resolved.backends : [];
        if (backend?.ip === undefined || other !== undefined) return [];
        return [{ protocol, via: { address, port }, backend: { ip: backend.ip, port: backend.port } }];
      }),
    ),
  );
}
