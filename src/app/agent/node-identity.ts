import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { FURTHER_ADDRESSES_ANNOTATION } from '../../core/policy/endpoints.ts';
import type { BackendName, TunnelAddresses, TunnelKind } from '../../core/routing/index.ts';
import type { WireguardKeys } from '../../core/wireguard/index.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { publishCalicoNode } from './calico-nodes.ts';
import { BACKEND_ANNOTATION } from './published-backends.ts';
import {
  NEXT_WIREGUARD_ANNOTATIONS,
  TUNNEL_ANNOTATIONS,
  UNDERLAY_MACS_ANNOTATION,
  WIREGUARD_ANNOTATIONS,
} from './routing-objects.ts';
import type { KnownNode } from './routing-objects.ts';
import { readUnderlay } from './underlay.ts';

const FIELD_MANAGER = 'sluice-agent';

/**
 * The annotations by which a node tells its peers where it is: its address with prefix and its tunnel's by Calico's names,
 * and the hardware addresses by which directly routed peers recognise its packets.
 */
export function identityAnnotations(
  { addresses, macs }: { readonly addresses: readonly Cidr[]; readonly macs: readonly string[] },
  tunnels: TunnelAddresses,
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = macs.length === 0 ? {} : { [UNDERLAY_MACS_ANNOTATION]: macs.join(',') };
  for (const address of addresses.toReversed())
    annotations[`projectcalico.org/IPv${address.ip.family}Address`] = formatCidr(address);
  for (const kind of Object.keys(TUNNEL_ANNOTATIONS) as TunnelKind[]) {
    for (const tunnel of tunnels[kind]?.toReversed() ?? []) {
      const name = TUNNEL_ANNOTATIONS[kind][tunnel.family];
      if (name !== undefined) annotations[name] = formatIp(tunnel);
    }
  }
  return annotations;
}

export interface NodeIdentityDependencies {
  readonly client: KubeClient;
  readonly netlink: Netlink;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where peers reach this node, the best address of each family first. */
  readonly addresses: (known: KnownNode) => readonly Ip[];
  /** What else packets of this node may carry. */
  readonly furtherAddresses: (known: KnownNode) => readonly Ip[];
  /** This node's addresses in the overlay. */
  readonly tunnels: () => TunnelAddresses;
  readonly backend: BackendName;
  /** What else the node says in its annotations. */
  readonly more?: (known: KnownNode) => Readonly<Record<string, string>>;
  /** This node's WireGuard keys that are in use. */
  readonly wireguardKeys: () => { readonly keys: WireguardKeys; readonly nextKeys: WireguardKeys };
  /** Whether Calico's Nodes are in etcd, and say it as well. */
  readonly calicoNodes?: boolean;
  readonly signal: AbortSignal;
}

/** Who this node says it is, in its Node object. Writes only what the object does not say already. */
export class NodeIdentity {
  readonly #node: string;
  readonly #dependencies: NodeIdentityDependencies;

  constructor(node: string, dependencies: NodeIdentityDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
  }

  /** Publishes the node's address with its prefix and the tunnel's: peers find it by them. */
  async publishAddresses(known: KnownNode): Promise<void> {
    const { backend, addresses, furtherAddresses, tunnels, more, wireguardKeys } = this.#dependencies;
    const { client, netlink, calicoNodes, signal } = this.#dependencies;
    const wanted = {
      ...identityAnnotations(readUnderlay(netlink, addresses(known)), tunnels()),
      ...more?.(known),
      [BACKEND_ANNOTATION]: backend,
    };
    const missing = Object.entries(wanted).filter(([key, value]) => known.annotations[key] !== value);
    const { keys, nextKeys } = wireguardKeys();
    const further = furtherAddresses(known).map(formatIp).join(',');
    // Null takes an annotation away: peers must not use a key that is not in use.
    const all = [
      [FURTHER_ADDRESSES_ANNOTATION, further === '' ? null : further] as const,
      ...([4, 6] as const).flatMap((family) => [
        [WIREGUARD_ANNOTATIONS[family], keys[family] ?? null] as const,
        [NEXT_WIREGUARD_ANNOTATIONS[family], nextKeys[family] ?? null] as const,
      ]),
    ];
    const changed = all.filter(([name, value]) => (known.annotations[name] ?? null) !== value);
    if (missing.length + changed.length === 0) return;
    const body = { metadata: { annotations: Object.fromEntries([...missing, ...changed]) } };
    const options = { fieldManager: FIELD_MANAGER, signal };
    await client.patch(NODES, { name: this.#node }, 'merge', body, options);
    if (calicoNodes === true)
      await publishCalicoNode(client, known, { ...wanted, ...Object.fromEntries(all) }, options);
  }

  /** Says that the node's network works: until then some clouds keep pods away from it. */
  async publishReady(known: KnownNode): Promise<void> {
    if (known.networkReady) return;
    const { client, now, signal } = this.#dependencies;
    const time = new Date(now()).toISOString();
    const condition = {
      type: 'NetworkUnavailable',
      status: 'False',
      reason: 'SluiceIsUp',
      message: 'Sluice is running on this node',
      lastHeartbeatTime: time,
      lastTransitionTime: time,
    };
    const body = { status: { conditions: [condition] } };
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER, signal };
    await client.patch(NODES, { name: this.#node }, 'strategic', body, options);
  }
}
