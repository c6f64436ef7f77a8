import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { EndpointSlice, Service } from '../../core/kube/types.ts';
import { serviceSpec } from '../../core/service/index.ts';

/** What `sluice service` tells of a Service, without who may reach it. */
export interface ServiceDescription {
  readonly service: string;
  readonly type: string;
  readonly addresses: readonly {
    readonly kind: string;
    readonly address: string;
    /** The node that announces it on its segment; null: none can now; absent: it is not announced there. */
    readonly announcedBy?: string | null;
  }[];
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
    readonly nodePort?: number;
  }[];
  readonly endpoints: readonly EndpointDescription[];
  /** The way of a packet, one line for each kind of client. */
  readonly path: readonly string[];
  /** Whether somebody would answer a connection. */
  readonly served: boolean;
}

/** One address of an EndpointSlice. */
export interface EndpointDescription {
  readonly address: string;
  /** `TCP/8080`, of the slice. */
  readonly ports: readonly string[];
  readonly node: string | undefined;
  readonly pod: string | undefined;
  readonly state: 'ready' | 'terminating, serving' | 'terminating' | 'not ready';
  /** Whose clients hints mean it for. */
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** Puts together what the Service and its EndpointSlices say; `announced` has the nodes that announce addresses, if any do. */
export function describeService(
  service: Service,
  slices: readonly EndpointSlice[],
  announced: ReadonlyMap<string, string | undefined> = new Map(),
): ServiceDescription {
  const spec = serviceSpec(service);
  const endpoints = slices.flatMap((slice) => endpointsOf(slice));
  return {
    service: spec.key,
    type: service.spec?.type ?? 'ClusterIP',
    addresses: addressesOf(service).map((each) =>
      announced.has(each.address) ? { ...each, announcedBy: announced.get(each.address) ?? null } : each,
    ),
    ports: (service.spec?.ports ?? []).map(({ name = '', protocol = 'TCP', port, nodePort }) => ({
      name,
      protocol,
      port,
      ...(nodePort === undefined ? {} : { nodePort }),
    })),
    endpoints,
    path: pathOf(service, endpoints),
    served:
      service.spec?.type === 'ExternalName' ||
      endpoints.some(({ state }) => state === 'ready' || state === 'terminating, serving'),
  };
}

function addressesOf({ spec, status }: Service): ServiceDescription['addresses'] {
  if (spec?.type === 'ExternalName') return [{ kind: 'ExternalName', address: spec.externalName ?? '' }];
  const ips = [...new Set([spec?.clusterIP, ...(spec?.clusterIPs ?? [])])].filter(
    (ip) => ip !== undefined && ip !== '',
  );
  return [
    ...ips.map((address) => ({ kind: address === 'None' ? 'headless' : 'ClusterIP', address: address! })),
    ...(spec?.externalIPs ?? []).map((address) => ({ kind: 'externalIP', address })),
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip, hostname, ipMode }) => ({
      kind: ipMode === 'Proxy' ? 'LoadBalancer (by itself)' : 'LoadBalancer',
      address: ip ?? hostname ?? '',
    })),
  ];
}

function endpointsOf({ endpoints, ports }: EndpointSlice): EndpointDescription[] {
  // Those without any are `null` on the wire.
  return (endpoints ?? []).flatMap(({ addresses, conditions, nodeName, targetRef, hints }) => {
    const { ready = true, serving = ready, terminating = false } = conditions ?? {};
    const state = ready ? 'ready' : terminating ? (serving ? 'terminating, serving' : 'terminating') : 'not ready';
    const pod = targetRef?.kind === 'Pod' ? `${targetRef.namespace}/${targetRef.name}` : undefined;
    return addresses.map((address) => ({
      address,
      ports: (ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`),
      node: nodeName,
      pod,
      state,
      zones: (hints?.forZones ?? []).map(({ name }) => name),
      nodes: ((hints as NodeHints | undefined)?.forNodes ?? []).map(({ name }) => name),
    }));
  });
}

/** Newer than the types at hand: Kubernetes 1.33. */
interface NodeHints {
  readonly forNodes?: readonly { readonly name: string }[];
}

/** As the packet filter does it: docs/design/services.md. */
function pathOf(service: Service, endpoints: readonly EndpointDescription[]): string[] {
  const { spec } = service;
  if (spec?.type === 'ExternalName') return [`DNS answers with the name ${spec.externalName}; no packet is translated`];
  if (spec?.clusterIP === 'None') return ['DNS answers with the endpoints themselves; no packet is translated'];
  const { addresses, guarded, ports, internalLocal, externalLocal, affinitySeconds } = serviceSpec(service);
  const hinted = (by: 'zones' | 'nodes') => endpoints.length > 0 && endpoints.every((each) => each[by].length > 0);
  const meant = [...(hinted('nodes') ? ['its own node'] : []), ...(hinted('zones') ? ['the zone of its node'] : [])];
  const any = [...meant.map((whom) => `an endpoint meant for ${whom}`), 'any ready endpoint'].join(', or else ');
  const own = internalLocal === true ? 'a ready endpoint on its own node, or is refused' : any;
  const outside = externalLocal ? 'a ready endpoint on the node that it comes to, or is refused' : any;
  const front = addresses.map(formatIp).join(', ');
  const nodePorts = ports.flatMap(({ nodePort }) => nodePort ?? []);
  return [
    `a pod or node to ${front}: its own node translates to ${own}; policy sees the client and the endpoint's port`,
    `a client outside to ${front}, led to a node by a route: translated there to ${outside}, and keeps its address`,
    ...(nodePorts.length === 0
      ? []
      : [`a client outside to port ${nodePorts.join(', ')} of any node: the same; pods and nodes: as to the Service`]),
    ...(guarded === undefined
      ? []
      : [`only ${guarded.sources.map(formatCidr).join(', ')} may use the load balancer's addresses`]),
    ...(affinitySeconds === undefined
      ? []
      : [`a client comes to the same endpoint for ${affinitySeconds} s after its last connection`]),
    'without an endpoint that serves, connections are refused at once',
  ];
}
