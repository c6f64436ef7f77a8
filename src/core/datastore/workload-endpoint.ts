/** What of a pod policies on other nodes depend on. */
export interface EndpointPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

/** What of a pod's interface Calico's nodes are told where they are told by etcd. */
export interface EndpointFacts {
  readonly node: string;
  readonly containerId: string;
  /** In the pod. */
  readonly ifname: string;
  /** On the node. */
  readonly interface: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** A WorkloadEndpoint of Calico's, as far as it is written or read (libcalico-go/lib/apis/v3/workloadendpoint.go). */
export interface WorkloadEndpoint {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly spec?: {
    readonly node?: string;
    readonly containerID?: string;
    readonly interfaceName?: string;
    readonly [field: string]: unknown;
  };
}

/** Its name: node, `k8s`, pod and interface with dashes between them, and two for each dash that they have. */
export function workloadEndpointName(node: string, pod: string, ifname: string): string {
  return [node, 'k8s', pod, ifname].map((part) => part.replaceAll('-', '--')).join('-');
}

/**
 * The WorkloadEndpoint of a pod, as Calico's plugin writes it: the pod's labels, and as profiles its namespace and its
 * ServiceAccount, whose labels Calico's controllers keep in Profiles of these names.
 */
export function workloadEndpoint(pod: EndpointPod, facts: EndpointFacts): WorkloadEndpoint {
  const { namespace, name, serviceAccount } = pod;
  return {
    metadata: {
      name: workloadEndpointName(facts.node, name, facts.ifname),
      namespace,
      labels: {
        ...pod.labels,
        'projectcalico.org/namespace': namespace,
        'projectcalico.org/orchestrator': 'k8s',
        'projectcalico.org/serviceaccount': serviceAccount,
      },
    },
    spec: {
      orchestrator: 'k8s',
      node: facts.node,
      containerID: facts.containerId,
      pod: name,
      endpoint: facts.ifname,
      serviceAccountName: serviceAccount,
      interfaceName: facts.interface,
      mac: facts.mac,
      ipNetworks: facts.addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
      profiles: [`kns.${namespace}`, `ksa.${namespace}.${serviceAccount}`],
      ports: pod.ports.map(({ name: port, protocol, port: number }) => ({ name: port, protocol, port: number })),
    },
  };
}
