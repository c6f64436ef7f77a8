import type { Family, Interval, Ip } from '../../base/ip/index.ts';
import { primaryAddress } from '../policy/index.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../policy/index.ts';
import { addressAtoms } from './address-atoms.ts';
import type { AddressAtoms, AtomId } from './address-atoms.ts';
import { FAMILIES } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';

/** The address families of a cluster, split by the sets of addresses in its policies. */
export class AddressSpace {
  /** In use: of some pod or node; both when no address is known. */
  readonly families: readonly Family[];
  readonly atoms: Readonly<Record<Family, AddressAtoms>>;
  readonly #state: ClusterState;
  /** Tunnel addresses count as the node's own in every block. */
  readonly #tunnels: Readonly<Record<Family, ReadonlyMap<bigint, bigint>>>;
  #owners: Readonly<Record<Family, Map<bigint, PodEndpoint | NodeEndpoint>>> | undefined;

  constructor(state: ClusterState, catalogue: Catalogue) {
    this.#state = state;
    const used = FAMILIES.filter((family) => isUsed(state, family));
    this.families = used.length === 0 ? FAMILIES : used;
    this.atoms = {
      4: addressAtoms(4, catalogue.addressSets[4]),
      6: addressAtoms(6, catalogue.addressSets[6]),
    };
    this.#tunnels = { 4: tunnels(state, 4), 6: tunnels(state, 6) };
  }

  /** Where policy sees the address. */
  atomOf({ family, value }: Ip): AtomId {
    return this.atoms[family].atomOf(this.#tunnels[family].get(value) ?? value);
  }

  /** The pod or node that has the address; of pods that claim the same one the first by key. */
  ownerOf(ip: Ip): PodEndpoint | NodeEndpoint | undefined {
    this.#owners ??= indexOwners(this.#state);
    return this.#owners[ip.family].get(ip.value);
  }

  /** The atoms of `family` in which some address is nobody's in the cluster. */
  outside(family: Family): { readonly atom: AtomId; readonly ranges: readonly Interval[] }[] {
    this.#owners ??= indexOwners(this.#state);
    const owned = this.#owners[family];
    const taken = new Map<AtomId, bigint>();
    for (const value of owned.keys()) {
      const atom = this.atoms[family].atomOf(value);
      taken.set(atom, (taken.get(atom) ?? 0n) + 1n);
    }
    return this.atoms[family].atoms.flatMap(({ ranges }, atom) => {
      const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
      return size > (taken.get(atom) ?? 0n) ? [{ atom, ranges }] : [];
    });
  }
}

function isUsed(state: ClusterState, family: Family): boolean {
  for (const { addresses } of state.nodes.values()) if (addresses.some((ip) => ip.family === family)) return true;
  for (const { addresses } of state.pods.values()) if (addresses.some((ip) => ip.family === family)) return true;
  return false;
}

function tunnels(state: ClusterState, family: Family): Map<bigint, bigint> {
  const result = new Map<bigint, bigint>();
  for (const node of state.nodes.values()) {
    const own = primaryAddress(node, family);
    if (own === undefined) continue;
    for (const tunnel of node.tunnelAddresses) if (tunnel.family === family) result.set(tunnel.value, own.value);
  }
  return result;
}

function indexOwners(state: ClusterState): Record<Family, Map<bigint, PodEndpoint | NodeEndpoint>> {
  const result: Record<Family, Map<bigint, PodEndpoint | NodeEndpoint>> = { 4: new Map(), 6: new Map() };
  for (const pod of state.pods.values()) {
    if (pod.hostNetwork) continue;
    for (const { family, value } of pod.addresses) {
      const known = result[family].get(value);
      if (known === undefined || pod.key < known.key) result[family].set(value, pod);
    }
  }
  for (const node of state.nodes.values())
    for (const { family, value } of [...node.addresses, ...node.tunnelAddresses]) result[family].set(value, node);
  return result;
}
