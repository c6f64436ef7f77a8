import { equalIp, formatCidr, hostCidr } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { deriveBlock, endpointItems } from './block-items.ts';
import type { BlockDerivation } from './block-items.ts';
import { ClaimedItems } from './keyed-items.ts';
import type { TouchedKeys } from './keyed-items.ts';
import type { Items, ItemTables } from './network-items.ts';
import { derivePeer, pastReturnRules } from './peer-items.ts';
import type { PeerDerivation, UsedBackends } from './peer-items.ts';
import { Peer } from './peer.ts';
import type { Scene } from './peer.ts';
import { backendFor, backendsOfPools } from './pool-backend.ts';
import { returnMarks } from './return-marks.ts';
import type {
  BackendName,
  DesiredLink,
  LocalEndpoint,
  ReturnPeer,
  RoutingBlock,
  RoutingInput,
  RoutingNode,
  RoutingProblem,
} from './types.ts';

/** A device of this node and its addresses on it. */
export interface OwnTunnel {
  readonly link: DesiredLink;
  readonly addresses: readonly Ip[];
}

/** What a node's kernel should hold, and what else follows from the routes. */
export interface DerivedNetwork {
  /** A view that later updates change. */
  readonly items: ItemTables;
  /** What may have changed since the update before this one. */
  readonly touched: TouchedKeys;
  /** The same object as before where nothing of it changed. */
  readonly returnPeers: readonly ReturnPeer[];
  readonly looseLinks: readonly string[];
  readonly tunnels: readonly OwnTunnel[];
  readonly podMtu: number;
  readonly problems: readonly RoutingProblem[];
}

interface KnownPeer {
  readonly peer: Peer;
  readonly used: UsedBackends;
  readonly mark: number | undefined;
  readonly derived: PeerDerivation;
}

interface KnownBlock {
  readonly block: RoutingBlock;
  readonly scene: Scene;
  readonly backend: BackendName;
  /** Whether it lies in a pool. */
  readonly pooled: boolean;
  /** The peers that it speaks of, as they were when it was derived; undefined for a block that is new. */
  readonly peers: readonly (Peer | undefined)[];
  readonly derived: BlockDerivation;
}

/** Claimants are compared as text: what is certain of an address comes before what a stale block says of it. */
const CLAIMANT = { endpoint: '1 ', elsewhere: '2 ', block: '3 ', peer: '4 ', node: '5' } as const;
const FAMILIES: readonly Family[] = [4, 6];

/**
 * Keeps what `desiredNetwork` says of an input while the input changes: {@link update} takes all of it, and derives anew
 * what depends on nodes, blocks and endpoints that are other objects than before; all when the node itself changed.
 */
export class RoutingTable {
  readonly #claims = new ClaimedItems();
  readonly #peers = new Map<string, KnownPeer>();
  /** Names that only blocks know. */
  readonly #strangers = new Map<string, Peer>();
  readonly #blocks = new Map<string, KnownBlock>();
  readonly #blockKeys = new WeakMap<RoutingBlock, string>();
  readonly #endpoints = new Map<string, { readonly endpoint: LocalEndpoint; readonly items: Items }>();
  #scene: Scene | undefined;
  #sceneKey = '';
  #used: UsedBackends = { 4: [], 6: [] };
  #own: Items = {};
  #tunnels: readonly OwnTunnel[] = [];
  #names = '';
  #marks: ReadonlyMap<string, number> = new Map();
  #returnPeers: readonly ReturnPeer[] = [];

  update(input: RoutingInput): DerivedNetwork {
    const scene = this.#sceneOf(input);
    const blocks = this.#blocksOf(input, scene);
    const used = this.#usedBy(input, blocks.values());
    this.#updatePeers(input, scene, used);
    for (const [key, block] of blocks) this.#updateBlock(key, block, input.node, scene);
    this.#updateEndpoints(input.endpoints);
    this.#updateOwn(scene, used);
    return this.#result(input);
  }

  /** The same object while nothing in it has changed: whatever remembers it need not be derived again. */
  #sceneOf(input: RoutingInput): Scene {
    const { node: name, nodes, backend, pools, underlay, settings, missingDevices = NONE_MISSING } = input;
    const self = nodes.get(name);
    const { subnets, links, mtu } = underlay;
    const missing = [...missingDevices];
    const key = textOf({ self, backend, pools, subnets, links, mtu, settings, missing });
    if (this.#scene === undefined || key !== this.#sceneKey) {
      this.#scene = { self, name, underlay, settings, missingDevices };
      this.#sceneKey = key;
      this.#strangers.clear();
    }
    return this.#scene;
  }

  /** All blocks of the input; those that are not as they were have no peers yet. Forgets the others. */
  #blocksOf({ blocks, pools, backend }: RoutingInput, scene: Scene): ReadonlyMap<string, KnownBlock> {
    const result = new Map<string, KnownBlock>();
    for (const block of blocks) {
      const key = this.#keyOf(block);
      const known = this.#blocks.get(key);
      const same = known?.block === block && known.scene === scene;
      result.set(key, same ? known : { block, scene, ...backendFor(block.cidr, pools, backend), ...UNDERIVED });
    }
    for (const [key, { derived }] of this.#blocks) {
      if (result.has(key)) continue;
      this.#claimBlock(key, derived, undefined);
      this.#blocks.delete(key);
    }
    return result;
  }

  /** The backends that some pool or block uses; the same object while they are the same. */
  #usedBy({ pools, backend }: RoutingInput, blocks: Iterable<KnownBlock>): UsedBackends {
    const used = { 4: backendsOfPools(pools, backend, 4), 6: backendsOfPools(pools, backend, 6) };
    for (const { block, pooled } of blocks) if (!pooled) used[block.cidr.ip.family].add(backend);
    const found = { 4: [...used[4]], 6: [...used[6]] };
    if (textOf(found) !== textOf(this.#used)) this.#used = found;
    return this.#used;
  }

  #updatePeers({ node: self, nodes, underlay }: RoutingInput, scene: Scene, used: UsedBackends): void {
    const marks = this.#marksOf(nodes, self);
    let changed = false;
    for (const [name, node] of nodes) {
      if (name === self) continue;
      const known = this.#peers.get(name);
      const mtu = underlay.peerMtu.get(name);
      const mark = marks.get(name);
      const same = known?.peer.isSame(node, mtu, scene) === true;
      if (same && known.used === used && known.mark === mark) continue;
      const peer = same ? known.peer : new Peer(name, node, mtu, scene);
      const derived = derivePeer(peer, used, mark);
      this.#claims.replace(CLAIMANT.peer + name, known?.derived.items, derived.items);
      this.#peers.set(name, { peer, used, mark, derived });
      this.#strangers.delete(name);
      changed = true;
    }
    for (const [name, { derived }] of this.#peers) {
      if (nodes.has(name) && name !== self) continue;
      this.#claims.replace(CLAIMANT.peer + name, derived.items, undefined);
      this.#peers.delete(name);
      changed = true;
    }
    if (changed) this.#returnPeers = [...this.#peers.values()].flatMap(({ derived }) => derived.returnPeer ?? []);
  }

  /** Marks depend on all names together. */
  #marksOf(nodes: ReadonlyMap<string, RoutingNode>, self: string): ReadonlyMap<string, number> {
    const names = [...nodes.keys()].join();
    if (names !== this.#names) {
      this.#names = names;
      this.#marks = returnMarks([...nodes.keys()].filter((name) => name !== self));
    }
    return this.#marks;
  }

  #updateBlock(key: string, known: KnownBlock, self: string, scene: Scene): void {
    const { block, backend } = known;
    const peerOf = (name: string): Peer | undefined => (name === self ? undefined : this.#peerOf(name, scene));
    const names = [...(block.node === undefined ? [] : [block.node]), ...block.elsewhere.map(({ node }) => node)];
    const peers = names.map(peerOf);
    if (known.derived !== NOTHING_DERIVED && peers.every((peer, i) => peer === known.peers[i])) return;
    const derived = deriveBlock(block, backend, peerOf);
    this.#claimBlock(key, this.#blocks.get(key)?.derived, derived);
    this.#blocks.set(key, { ...known, peers, derived });
  }

  #claimBlock(key: string, before: BlockDerivation | undefined, after: BlockDerivation | undefined): void {
    this.#claims.replace(CLAIMANT.block + key, before?.block, after?.block);
    this.#claims.replace(CLAIMANT.elsewhere + key, before?.elsewhere, after?.elsewhere);
  }

  #peerOf(name: string, scene: Scene): Peer {
    const known = this.#peers.get(name)?.peer ?? this.#strangers.get(name);
    if (known !== undefined) return known;
    const stranger = new Peer(name, undefined, undefined, scene);
    this.#strangers.set(name, stranger);
    return stranger;
  }

  #updateEndpoints(endpoints: readonly LocalEndpoint[]): void {
    const present = new Set<string>();
    for (const endpoint of endpoints) {
      const key = endpoint.interface;
      present.add(key);
      const known = this.#endpoints.get(key);
      if (known?.endpoint.mac === endpoint.mac && known.endpoint.addresses === endpoint.addresses) continue;
      const items = endpointItems(endpoint);
      this.#claims.replace(CLAIMANT.endpoint + key, known?.items, items);
      this.#endpoints.set(key, { endpoint, items });
    }
    for (const [key, { items }] of this.#endpoints) {
      if (present.has(key)) continue;
      this.#claims.replace(CLAIMANT.endpoint + key, items, undefined);
      this.#endpoints.delete(key);
    }
  }

  /** The node's devices and its addresses on them. */
  #updateOwn(scene: Scene, used: UsedBackends): void {
    const { self } = scene;
    const devices = FAMILIES.flatMap((family) =>
      used[family].flatMap((name) => {
        const { tunnel, device } = BACKENDS[name];
        const link = self && device?.({ ...scene, self, family });
        if (link === undefined || scene.missingDevices.has(link.name)) return [];
        const addresses = (tunnel && self?.tunnelAddresses[tunnel]) ?? [];
        return [{ link, addresses: addresses.filter((ip) => ip.family === family) }];
      }),
    );
    const tunnels = mergedTunnels(devices);
    const led = FAMILIES.filter((family) => this.#leadsBack(family));
    const own = {
      rules: led.flatMap(pastReturnRules),
      links: tunnels.map(({ link }) => link),
      addresses: tunnels.flatMap(({ link, addresses }) =>
        addresses.map((ip) => ({ link: link.name, address: hostCidr(ip) })),
      ),
    };
    if (textOf(own) === textOf(this.#own)) return;
    this.#claims.replace(CLAIMANT.node, this.#own, own);
    this.#own = own;
    this.#tunnels = tunnels;
  }

  #leadsBack(family: Family): boolean {
    for (const { derived } of this.#peers.values())
      if (derived.items.rules?.some((rule) => rule.family === family) === true) return true;
    return false;
  }

  #result({ underlay, plainSources, configuredMtu, missingDevices, ownProblems = [] }: RoutingInput): DerivedNetwork {
    const links = this.#own.links ?? [];
    // A device counts before it has peers, because pods keep the MTU that they were born with.
    let mtu = Math.min(underlay.mtu, ...links.map((link) => link.mtu));
    let answeredDirectly = false;
    for (const { derived } of this.#peers.values()) {
      if (derived.mtu < mtu) mtu = derived.mtu;
      answeredDirectly ||= derived.answeredDirectly;
    }
    const problems = new Set<RoutingProblem>([...ownProblems, ...(missingDevices?.values() ?? [])]);
    for (const { derived } of this.#blocks.values()) for (const problem of derived.problems) problems.add(problem);
    return {
      items: this.#claims.items,
      touched: this.#claims.takeTouched(),
      returnPeers: this.#returnPeers,
      looseLinks: [
        ...links.map(({ name }) => name),
        // Pods that keep their address come to a node's own by the underlay, and are answered through the tunnel.
        ...(plainSources === true || answeredDirectly ? underlay.links : []),
      ],
      tunnels: this.#tunnels,
      podMtu: configuredMtu > 0 ? configuredMtu : mtu,
      problems: [...problems],
    };
  }

  #keyOf(block: RoutingBlock): string {
    const known = this.#blockKeys.get(block);
    if (known !== undefined) return known;
    const key = formatCidr(block.cidr);
    this.#blockKeys.set(block, key);
    return key;
  }
}

const NONE_MISSING: ReadonlyMap<string, RoutingProblem> = new Map();
const NOTHING_DERIVED: BlockDerivation = { block: {}, elsewhere: {}, problems: [] };
const UNDERIVED = { peers: [], derived: NOTHING_DERIVED } as const;

/** One of each device: both families may need the same. */
function mergedTunnels(devices: readonly OwnTunnel[]): readonly OwnTunnel[] {
  const result = new Map<string, OwnTunnel>();
  for (const { link, addresses } of devices) {
    const known = result.get(link.name)?.addresses ?? [];
    const more = addresses.filter((ip) => !known.some((each) => equalIp(each, ip)));
    result.set(link.name, { link, addresses: [...known, ...more] });
  }
  return [...result.values()];
}

/** The same text for values that are the same; for small ones. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
