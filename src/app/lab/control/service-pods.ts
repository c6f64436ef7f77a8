import type { Pod, Service } from 'kubernetes-types/core/v1.d.ts';
import type { ClusterView } from './controller.ts';
import { isTerminating, keyOf, type Stored } from './objects.ts';
import { isFinished, isReady } from './pods.ts';
import { selectsByMap } from './selector.ts';

/** One port of a Service as one pod serves it. */
export interface ResolvedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** A pod behind a Service: its addresses and what the Service's ports come to on it. */
export interface Backend {
  readonly pod: Stored<Pod>;
  readonly addresses: readonly string[];
  readonly ports: readonly ResolvedPort[];
  /** May get new connections. */
  readonly ready: boolean;
  /** Answers, though perhaps on its way out. */
  readonly serving: boolean;
  readonly terminating: boolean;
}

/** Whether this controller keeps the endpoints of the Service: it selects pods and is not a mere alias. */
export function hasSelector(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

/** Keys of the Services in the pod's namespace that select it by its labels. */
export function servicesOf(pod: Stored<Pod>, view: ClusterView): string[] {
  return view.services
    .inNamespace(pod.metadata.namespace ?? '')
    .filter((service) => selectsByMap(service.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

/** Every pod that the Service selects and that has an address, by name. Finished pods are none, terminating ones still are. */
export function backendsOf(service: Stored<Service>, view: ClusterView): Backend[] {
  return view.pods
    .inNamespace(service.metadata.namespace ?? '')
    .filter((pod) => selectsByMap(service.spec?.selector, pod.metadata.labels) && !isFinished(pod))
    .map((pod) => backend(pod, service))
    .filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
}

/** Addresses of a family; a pod of the host network has its node's. */
export function addressOf(backend: Backend, family: 'IPv4' | 'IPv6'): string | undefined {
  return backend.addresses.find((address) => address.includes(':') === (family === 'IPv6'));
}

function backend(pod: Stored<Pod>, service: Service): Backend {
  const terminating = isTerminating(pod);
  const serving = isReady(pod);
  const { podIP, podIPs } = pod.status ?? {};
  const all = podIPs?.map(({ ip }) => ip ?? '') ?? [podIP ?? ''];
  return {
    pod,
    addresses: all.filter((address) => address !== ''),
    ports: resolvePorts(service, pod),
    ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
    serving,
    terminating,
  };
}

/** A named target port is looked up in the pod's containers; a pod without one serves the rest of the ports. */
function resolvePorts(service: Service, pod: Pod): ResolvedPort[] {
  return (service.spec?.ports ?? []).flatMap(
    ({ name = '', port, protocol = 'TCP', targetPort = port, appProtocol }) => {
      const resolved = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort, protocol);
      const rest = appProtocol === undefined ? {} : { appProtocol };
      return resolved === undefined ? [] : [{ name, port: resolved, protocol, ...rest }];
    },
  );
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  if (/^\d+$/u.test(name)) return Number(name);
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}
