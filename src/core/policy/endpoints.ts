import { bitsOf, equalIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import { nameOf, namespaceNameOf } from '../kube/object-name.ts';
import type {
  Container,
  EndpointSlice,
  Namespace,
  Node,
  ObjectMeta,
  OwnerReference,
  Pod,
  Service,
  ServicePort,
} from '../kube/types.ts';
import type {
  HostPort,
  NamedPort,
  NamespaceInfo,
  NodeEndpoint,
  PodEndpoint,
  ServiceInfo,
  ServicePortInfo,
  SliceBackend,
  WorkloadRef,
} from './cluster.ts';
import type { PortProtocol } from './model.ts';

/** Annotations in which a node publishes the source addresses of its own traffic into the overlay (Calico's names). */
export const TUNNEL_ANNOTATIONS = [
  'projectcalico.org/IPv4VXLANTunnelAddr',
  'projectcalico.org/IPv6VXLANTunnelAddr',
  'projectcalico.org/IPv4IPIPTunnelAddr',
  'sluice.dev/IPv4UDPTunnelAddr',
  'sluice.dev/IPv6UDPTunnelAddr',
  'sluice.dev/IPv4OVSTunnelAddr',
  'sluice.dev/IPv6OVSTunnelAddr',
] as const;

/** Annotations in which a node publishes the address that its peers reach it at, as a CIDR (Calico's names). */
export const NODE_ADDRESS_ANNOTATIONS = ['projectcalico.org/IPv4Address', 'projectcalico.org/IPv6Address'] as const;

/** Annotation in which a node publishes its addresses that its Node object does not show otherwise, separated by commas. */
export const FURTHER_ADDRESSES_ANNOTATION = 'sluice.dev/addresses';

/** The pod as policy sees it. Addresses that do not parse are left out, since no packet can carry them. */
export function podEndpoint(pod: Pod): PodEndpoint {
  const namespace = namespaceNameOf(pod);
  const name = nameOf(pod);
  const completed = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  const written = [pod.status?.podIP, ...items(pod.status?.podIPs).map((each) => each.ip)];
  const node = pod.spec?.nodeName;
  const workload = workloadOf(pod);
  const offered = hostPorts(pod);
  return {
    kind: 'pod',
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels: labelsOf(pod),
    ...(node === undefined || node === '' ? {} : { node }),
    addresses: completed ? [] : parseAddresses(written),
    hostNetwork: pod.spec?.hostNetwork === true,
    completed,
    ready: items(pod.status?.conditions).some((each) => each.type === 'Ready' && each.status === 'True'),
    ports: namedPorts(pod),
    ...(offered.length === 0 ? {} : { hostPorts: offered }),
    serviceAccount: pod.spec?.serviceAccountName ?? pod.spec?.serviceAccount ?? 'default',
    ...(workload === undefined ? {} : { workload }),
  };
}

/** The node with its addresses from `status.addresses`, what its agent published, and the tunnel annotations. */
export function nodeEndpoint(node: Node): NodeEndpoint {
  const name = nameOf(node);
  const annotations = node.metadata?.annotations ?? {};
  const tunnelAddresses = parseAddresses(TUNNEL_ANNOTATIONS.map((annotation) => annotations[annotation]));
  const further = parseAddresses((annotations[FURTHER_ADDRESSES_ANNOTATION] ?? '').split(','));
  const addresses = [...shownAddresses(node), ...further].filter(
    (ip, i, all) =>
      !tunnelAddresses.some((tunnel) => equalIp(ip, tunnel)) && all.findIndex((each) => equalIp(each, ip)) === i,
  );
  return { kind: 'node', key: name, name, labels: labelsOf(node), addresses, tunnelAddresses };
}

/** Where peers may reach the node: its InternalIPs, what it says that it is reached at, and the other ones of its status. */
export function shownAddresses(node: Node): readonly Ip[] {
  const annotations = node.metadata?.annotations ?? {};
  const listed = items(node.status?.addresses);
  return parseAddresses([
    ...listed.filter((each) => each.type === 'InternalIP').map((each) => each.address),
    ...NODE_ADDRESS_ANNOTATIONS.map((annotation) => annotations[annotation]?.split('/')[0]),
    ...listed.filter((each) => each.type !== 'InternalIP').map((each) => each.address),
  ]);
}

/** The namespace; its name label is there even when the object lacks it. */
export function namespaceInfo(namespace: Namespace): NamespaceInfo {
  const name = nameOf(namespace);
  return { name, labels: { ...labelsOf(namespace), 'kubernetes.io/metadata.name': name } };
}

/** The Service as translation sees it. */
export function serviceInfo(service: Service): ServiceInfo {
  const namespace = namespaceNameOf(service);
  const name = nameOf(service);
  const { spec } = service;
  const selector = Object.keys(spec?.selector ?? {}).length > 0 ? spec?.selector : undefined;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    type: serviceType(spec?.type),
    clusterIps: parseAddresses([spec?.clusterIP, ...texts(spec?.clusterIPs)]),
    externalIps: parseAddresses([
      ...texts(spec?.externalIPs),
      ...items(service.status?.loadBalancer?.ingress).map((each) => each.ip),
    ]),
    ...guardOf(service),
    ...(selector === undefined ? {} : { selector }),
    publishNotReady: spec?.publishNotReadyAddresses === true,
    ports: items(spec?.ports).map(servicePort),
  };
}

/** Ranges that cannot be read are for nobody, as in the kernel. */
function guardOf({ spec, status }: Service): Pick<ServiceInfo, 'guarded'> {
  const ranges = texts(spec?.loadBalancerSourceRanges);
  const ingress = items(status?.loadBalancer?.ingress).filter(({ ipMode }) => ipMode !== 'Proxy');
  const addresses = parseAddresses(ingress.map(({ ip }) => ip));
  if (ranges.length === 0 || addresses.length === 0) return {};
  return { guarded: { addresses, sources: ranges.flatMap((text) => parseCidr(text.trim()) ?? []) } };
}

/** The addresses and ports that an EndpointSlice lists; an unknown readiness counts as ready, as in the API. */
export function sliceBackends(slice: EndpointSlice): SliceBackend[] {
  return items(slice.ports).flatMap(({ name, port, protocol: text }) => {
    const protocol = portProtocol(text);
    if (port === undefined || protocol === undefined) return [];
    return items(slice.endpoints).flatMap((endpoint) =>
      parseAddresses(texts(endpoint.addresses)).map((ip) => ({
        ip,
        port,
        protocol,
        ...(name === undefined || name === '' ? {} : { portName: name }),
        ready: endpoint.conditions?.ready !== false,
      })),
    );
  });
}

/** A protocol with ports, from its name in a manifest; absent means TCP. Undefined when there is no such protocol. */
export function portProtocol(text: string | null | undefined): PortProtocol | undefined {
  if (text === undefined || text === null) return 'TCP';
  return text === 'TCP' || text === 'UDP' || text === 'SCTP' ? text : undefined;
}

/** Who makes the object and keeps it as it should be. */
export function controllerOf(metadata: ObjectMeta | undefined): OwnerReference | undefined {
  return items(metadata?.ownerReferences).find((each) => each.controller === true);
}

function workloadOf({ metadata }: Pod): WorkloadRef | undefined {
  const owner = controllerOf(metadata);
  if (owner === undefined) return undefined;
  const hash = metadata?.labels?.['pod-template-hash'];
  // A Deployment names its ReplicaSets after itself and this label.
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`))
    return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  return { kind: owner.kind, name: owner.name };
}

/** Containers' ports that have a name; of init containers only sidecars', which keep running. */
function namedPorts(pod: Pod): NamedPort[] {
  return runningContainers(pod).flatMap((container) =>
    items(container.ports).flatMap(({ name, protocol: text, containerPort: port }) => {
      const protocol = portProtocol(text);
      return name === undefined || name === '' || protocol === undefined ? [] : [{ name, protocol, port }];
    }),
  );
}

function runningContainers({ spec }: Pod): Container[] {
  const sidecars = items(spec?.initContainers).filter((each) => each.restartPolicy === 'Always');
  return [...items(spec?.containers), ...sidecars];
}

/** Pods on their node's network are at its ports themselves: nothing is translated there. */
function hostPorts(pod: Pod): HostPort[] {
  if (pod.spec?.hostNetwork === true) return [];
  return runningContainers(pod).flatMap((container) =>
    items(container.ports).flatMap(({ protocol: text, hostPort: port = 0, hostIP = '', containerPort }) => {
      const protocol = portProtocol(text);
      if (protocol === undefined || port === 0) return [];
      const [hostIp] = parseAddresses([hostIP]);
      if (hostIP !== '' && hostIp === undefined) return [];
      return [{ protocol, port, containerPort, ...(hostIp === undefined ? {} : { hostIp }) }];
    }),
  );
}

function servicePort(port: ServicePort): ServicePortInfo {
  const target = port.targetPort;
  return {
    ...(port.name === undefined || port.name === '' ? {} : { name: port.name }),
    protocol: portProtocol(port.protocol) ?? 'TCP',
    port: port.port,
    targetPort: target === undefined || target === 0 || target === '' ? port.port : target,
    ...(port.nodePort === undefined || port.nodePort === 0 ? {} : { nodePort: port.nodePort }),
  };
}

function serviceType(type: string | undefined): ServiceInfo['type'] {
  return type === 'NodePort' || type === 'LoadBalancer' || type === 'ExternalName' ? type : 'ClusterIP';
}

/** Parses what parses, each address once, in order. Accepts a /32 or /128 CIDR, which some tools write. */
function parseAddresses(written: readonly (string | undefined)[]): Ip[] {
  const addresses: Ip[] = [];
  for (const text of written) {
    const ip = typeof text === 'string' ? (parseIp(text) ?? hostAddress(text)) : undefined;
    if (ip !== undefined && !addresses.some((known) => equalIp(known, ip))) addresses.push(ip);
  }
  return addresses;
}

function hostAddress(text: string): Ip | undefined {
  const cidr = parseCidr(text);
  return cidr !== undefined && cidr.prefix === bitsOf(cidr.ip.family) ? cidr.ip : undefined;
}

/** The entries of a list of objects; nothing of what is none, since files hold what no API server has seen. */
function items<T extends object>(list: readonly T[] | null | undefined): readonly T[] {
  return Array.isArray(list) ? (list as readonly T[]).filter((each) => typeof each === 'object' && each !== null) : [];
}

function texts(list: readonly string[] | null | undefined): readonly string[] {
  return Array.isArray(list) ? (list as readonly string[]) : [];
}

/** The labels that are text. */
export function labelsOf({ metadata }: { readonly metadata?: ObjectMeta }): Labels {
  const labels: unknown = metadata?.labels;
  if (typeof labels !== 'object' || labels === null) return {};
  const entries = Object.entries(labels);
  if (entries.every(([, value]) => typeof value === 'string')) return labels as Labels;
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
