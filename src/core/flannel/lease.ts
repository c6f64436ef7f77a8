import type { Cidr, Family, Ip } from '../../base/ip/index.ts';

/** The families in which a network or a lease can speak, IPv4 first. */
export const FAMILIES: readonly Family[] = [4, 6];

/** What a node of a flannel network tells the others, in one family. */
export interface FamilyLease {
  /** All of it lives on the node. Its first address is the next hop behind a tunnel. */
  readonly subnet: Cidr;
  /** Where the node is reached. */
  readonly publicIp: Ip;
  /** Its VXLAN device of this family; for backend `vxlan` only. */
  readonly vtep?: Vtep;
  /** Of its WireGuard device, 32 bytes in base64; for backend `wireguard` only. */
  readonly publicKey?: string;
}

/** A VXLAN device: flannel gives each family one of its own. */
export interface Vtep {
  /** 0 where an old flannel did not say. */
  readonly vni: number;
  /** Lower case, with colons. */
  readonly mac: string;
}

/** A node of a flannel network: what it has written into its Node's annotations. */
export interface FlannelLease {
  /** flannel's name of its backend, `vxlan`, `host-gw`, `ipip` or `wireguard` among others. */
  readonly backendType: string;
  readonly families: Readonly<Partial<Record<Family, FamilyLease>>>;
}

/** What could be read of a lease; `lease` is undefined when there is none or none that can be used. */
export interface LeaseReading {
  readonly lease: FlannelLease | undefined;
  /** What is wrong, a sentence each; the other family may be good all the same. */
  readonly problems: readonly string[];
}
