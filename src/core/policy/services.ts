import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels, parseLabelMap } from '../kube/labels.ts';
import type { ClusterState, PodEndpoint, ServiceInfo, ServicePortInfo } from './cluster.ts';
import type { PortProtocol } from './model.ts';

/** Where a Service sends a connection: policy is judged for this address and port, never for the Service's own. */
export interface ServiceBackend {
  /** Absent for a pod that was never deployed. */
  readonly ip?: Ip;
  /** The pod's port. */
  readonly port: number;
  readonly protocol: PortProtocol;
  /** Absent when the address comes from an EndpointSlice; `PolicyEngine.address` knows whose it is. */
  readonly pod?: PodEndpoint;
  readonly ready: boolean;
}

/** The translation of a Service port, or why there is none. */
export type ServiceResolution =
  | { readonly kind: 'backends'; readonly port: ServicePortInfo; readonly backends: readonly ServiceBackend[] }
  | { readonly kind: 'no-such-port'; readonly ports: readonly ServicePortInfo[] }
  | { readonly kind: 'external-name' };

/**
 * The backends of one port of `service`, given by number or name, that have an address of `family`, in the order of their
 * keys. Pods that are not ready are left out unless the Service publishes them or `includeNotReady` is set.
 */
export function resolveService(
  state: ClusterState,
  service: ServiceInfo,
  wanted: { readonly port: number | string; readonly protocol?: PortProtocol; readonly family: Family },
  options: { readonly includeNotReady?: boolean } = {},
): ServiceResolution {
  if (service.type === 'ExternalName') return { kind: 'external-name' };
  const port = service.ports.find((each) => isPort(each, wanted));
  if (port === undefined) return { kind: 'no-such-port', ports: service.ports };
  const all =
    service.selector === undefined ? listed(state, service, port) : selected(state, service, port, wanted.family);
  const lenient = options.includeNotReady === true || service.publishNotReady;
  const backends = all.filter(
    ({ ip, ready }) => (ip === undefined || ip.family === wanted.family) && (lenient || ready),
  );
  return { kind: 'backends', port, backends };
}

/** One endpoint of a Service, ready or not. */
export interface ServiceEndpoint {
  /** Its address, or the key of a pod that has none. */
  readonly owner: Ip | string;
  /** Where it serves the Service's ports. */
  readonly sockets: readonly { readonly protocol: PortProtocol; readonly port: number }[];
}

/**
 * All endpoints of the Service `key`, as policies that name it mean them: those of its EndpointSlices, or when it has none
 * the pods that it selects. None when there is no such Service and no such slice.
 */
export function serviceEndpoints(state: ClusterState, key: string): ServiceEndpoint[] {
  const slices = state.slices.get(key);
  if (slices !== undefined)
    return slices.map(({ ip, protocol, port }) => ({ owner: ip, sockets: [{ protocol, port }] }));
  const service = state.services.get(key);
  if (service?.selector === undefined) return [];
  return podsOf(state, service).flatMap((pod) => {
    const sockets = service.ports.flatMap((each) => {
      const port = targetPort(pod, each);
      return port === undefined ? [] : [{ protocol: each.protocol, port }];
    });
    const owners = pod.addresses.length === 0 ? [pod.key] : pod.addresses;
    return owners.map((owner) => ({ owner, sockets }));
  });
}

function isPort(port: ServicePortInfo, wanted: { readonly port: number | string; readonly protocol?: PortProtocol }) {
  const numberOrName = typeof wanted.port === 'number' ? port.port === wanted.port : port.name === wanted.port;
  return numberOrName && (wanted.protocol === undefined || wanted.protocol === port.protocol);
}

function selected(state: ClusterState, service: ServiceInfo, port: ServicePortInfo, family: Family): ServiceBackend[] {
  return podsOf(state, service).flatMap((pod) => {
    const ip = pod.addresses.find((each) => each.family === family);
    const number = targetPort(pod, port);
    if (number === undefined || (ip === undefined && pod.addresses.length > 0)) return [];
    return [{ ...(ip === undefined ? {} : { ip }), port: number, protocol: port.protocol, pod, ready: pod.ready }];
  });
}

/** The running pods that the Service selects, by key. */
function podsOf(state: ClusterState, service: ServiceInfo): PodEndpoint[] {
  const selector = parseLabelMap(service.selector);
  return [...state.pods.values()]
    .filter((pod) => pod.namespace === service.namespace && !pod.completed && matchesLabels(selector, pod.labels))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A named target port is each pod's own: the first container port of that name and protocol. */
function targetPort(pod: PodEndpoint, { targetPort: target, protocol }: ServicePortInfo): number | undefined {
  if (typeof target === 'number') return target;
  return pod.ports.find((each) => each.name === target && each.protocol === protocol)?.port;
}

function listed(state: ClusterState, service: ServiceInfo, port: ServicePortInfo): ServiceBackend[] {
  return (state.slices.get(service.key) ?? [])
    .filter((each) => each.portName === port.name && each.protocol === port.protocol)
    .map(({ ip, port: number, protocol, ready }) => ({ ip, port: number, protocol, ready }));
}
