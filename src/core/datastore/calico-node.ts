/** A Node of Calico's, as far as it is read or written (libcalico-go/lib/apis/v3/node.go); all else is carried along. */
export interface CalicoNode {
  readonly metadata?: { readonly name?: string };
  readonly spec?: Fields;
  readonly status?: Fields;
}

type Fields = Readonly<Record<string, unknown>>;
type Annotations = Readonly<Record<string, string>>;

/**
 * Where a field of Calico's Node is, when Calico keeps Nodes in etcd, that is an annotation of Kubernetes' Node when it does
 * not (libcalico-go/lib/backend/k8s/resources/node.go).
 */
const FIELDS: readonly (readonly [annotation: string, path: readonly [string, ...string[]]])[] = [
  ['projectcalico.org/IPv4Address', ['spec', 'bgp', 'ipv4Address']],
  ['projectcalico.org/IPv6Address', ['spec', 'bgp', 'ipv6Address']],
  ['projectcalico.org/IPv4IPIPTunnelAddr', ['spec', 'bgp', 'ipv4IPIPTunnelAddr']],
  ['projectcalico.org/IPv4VXLANTunnelAddr', ['spec', 'ipv4VXLANTunnelAddr']],
  ['projectcalico.org/VXLANTunnelMACAddr', ['spec', 'vxlanTunnelMACAddr']],
  ['projectcalico.org/IPv6VXLANTunnelAddr', ['spec', 'ipv6VXLANTunnelAddr']],
  ['projectcalico.org/VXLANTunnelMACAddrV6', ['spec', 'vxlanTunnelMACAddrV6']],
  ['projectcalico.org/IPv4WireguardInterfaceAddr', ['spec', 'wireguard', 'interfaceIPv4Address']],
  ['projectcalico.org/IPv6WireguardInterfaceAddr', ['spec', 'wireguard', 'interfaceIPv6Address']],
  ['projectcalico.org/WireguardPublicKey', ['status', 'wireguardPublicKey']],
  ['projectcalico.org/WireguardPublicKeyV6', ['status', 'wireguardPublicKeyV6']],
];

/** What people set: in either place, and no agent writes it. */
const SET_BY_PEOPLE: typeof FIELDS = [
  ['projectcalico.org/ASNumber', ['spec', 'bgp', 'asNumber']],
  ['projectcalico.org/RouteReflectorClusterID', ['spec', 'bgp', 'routeReflectorClusterID']],
];

/** Annotations of Kubernetes' Node as Calico's Node has them: what an agent says comes from there alone. */
export function withCalicoNode(annotations: Annotations, node: CalicoNode): Annotations {
  return { ...withoutCalicoFields(annotations), ...calicoAnnotations(node) };
}

/** Annotations without those that Calico's Node would have. */
export function withoutCalicoFields(annotations: Annotations): Annotations {
  return Object.fromEntries(
    Object.entries(annotations).filter(([name]) => !FIELDS.some(([annotation]) => annotation === name)),
  );
}

/** What Calico's Node says, as annotations say it. */
function calicoAnnotations(node: CalicoNode): Annotations {
  return Object.fromEntries(
    [...FIELDS, ...SET_BY_PEOPLE].flatMap(([annotation, path]) => {
      const value = at(node, path);
      // An AS number is a number there.
      return typeof value === 'string' || typeof value === 'number' ? [[annotation, String(value)]] : [];
    }),
  );
}

/**
 * The merge patch by which Calico's Node says what the annotations of an agent say; what they lack is taken away, all else
 * stays.
 */
export function calicoNodePatch(
  name: string,
  said: Readonly<Record<string, string | null>>,
  { labels, podCidrs }: { readonly labels: Annotations; readonly podCidrs: readonly string[] },
): object {
  const patch: Record<string, unknown> = {};
  for (const [annotation, path] of FIELDS) put(patch, path, said[annotation] ?? null);
  const addresses = ['projectcalico.org/IPv4Address', 'projectcalico.org/IPv6Address']
    .flatMap((annotation) => said[annotation] ?? [])
    .map((address) => ({ address, type: 'CalicoNodeIP' }));
  put(patch, ['spec', 'addresses'], addresses);
  put(patch, ['spec', 'orchRefs'], [{ nodeName: name, orchestrator: 'k8s' }]);
  put(patch, ['status', 'podCIDRs'], podCidrs.length === 0 ? null : podCidrs);
  return { metadata: { labels }, ...patch };
}

/** The Node of Kubernetes that Calico's stands for; undefined: none, as for a host that is in no cluster. */
export function kubernetesNodeOf({ spec }: CalicoNode): string | undefined {
  const refs = (spec?.['orchRefs'] ?? []) as readonly { readonly orchestrator?: string; readonly nodeName?: string }[];
  return refs.find(({ orchestrator }) => orchestrator === 'k8s')?.nodeName;
}

function at(node: CalicoNode, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Fields)[key] : undefined),
    node,
  );
}

function put(target: Record<string, unknown>, [key, ...rest]: readonly [string, ...string[]], value: unknown): void {
  const [next, ...more] = rest;
  if (next === undefined) target[key] = value;
  else put((target[key] ??= {}) as Record<string, unknown>, [next, ...more], value);
}
