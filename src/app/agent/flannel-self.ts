import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { FAMILIES } from '../../core/flannel/index.ts';
import type { FamilyLease, FlannelLease, NetConf } from '../../core/flannel/index.ts';
import { vtepMac } from '../../core/routing/index.ts';
import type { RoutingProblem } from '../../core/routing/index.ts';
import type { KnownNode } from './routing-objects.ts';

/** What this node says of itself in a flannel network. */
export class FlannelSelf {
  readonly #node: string;
  readonly #netConf: NetConf;
  readonly #addresses: (known: KnownNode) => readonly Ip[];
  readonly #publicKey: string | undefined;
  #lease: { readonly key: string; readonly lease: FlannelLease } | undefined;

  /** `addresses`: where peers reach this node, the best of each family first. `publicKey`: its WireGuard's, if that carries the network. */
  constructor(
    node: string,
    netConf: NetConf,
    {
      addresses,
      publicKey,
    }: { readonly addresses: (known: KnownNode) => readonly Ip[]; readonly publicKey?: string | undefined },
  ) {
    this.#node = node;
    this.#netConf = netConf;
    this.#addresses = addresses;
    this.#publicKey = publicKey;
  }

  /** In the families that it has both a subnet and an address of. The same object while it says the same. */
  lease(known: KnownNode, subnets: readonly Cidr[]): FlannelLease {
    const { backend, networks } = this.#netConf;
    const addresses = this.#addresses(known);
    const families: Partial<Record<Family, FamilyLease>> = {};
    for (const family of FAMILIES) {
      const subnet = subnets.find(({ ip }) => ip.family === family);
      const publicIp = addresses.find((ip) => ip.family === family);
      if (networks[family] === undefined || subnet === undefined || publicIp === undefined) continue;
      const mac = (family === 4 ? known.routing.vtepMac : undefined) ?? vtepMac(this.#node);
      families[family] = {
        subnet,
        publicIp,
        ...(backend.type === 'vxlan' ? { vtep: { vni: backend.vni, mac } } : {}),
        ...(this.#publicKey === undefined ? {} : { publicKey: this.#publicKey }),
      };
    }
    const lease: FlannelLease = { backendType: backend.type, families };
    const key = JSON.stringify(lease, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    if (this.#lease?.key !== key) this.#lease = { key, lease };
    return this.#lease.lease;
  }

  /** Families of the network that the lease does not have: flannel nodes leave such a node out altogether. */
  lacks(lease: FlannelLease): readonly Family[] {
    return FAMILIES.filter(
      (family) => this.#netConf.networks[family] !== undefined && lease.families[family] === undefined,
    );
  }

  /** The same as problems of routing. */
  problems(lease: FlannelLease | undefined): readonly RoutingProblem[] {
    if (lease === undefined) return [];
    return this.lacks(lease).map((family) => ({
      peer: '',
      code: 'no-own-address',
      message: `this node has no IPv${family} address or podCIDR, so flannel nodes send it nothing`,
    }));
  }
}
