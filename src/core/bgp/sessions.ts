import { cidrContains, equalIp, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { parseCalicoSelector } from '../kube/calico-selector.ts';
import { matchesLabels } from '../kube/labels.ts';
import { sessionName } from './session-name.ts';
import type {
  BgpConfiguration,
  BgpFilter,
  BgpInput,
  BgpNode,
  BgpPeer,
  BgpProblem,
  BgpSession,
  PeerAddress,
  SecretKey,
  SessionKind,
} from './types.ts';
import { passwordProblem } from '../kube/bgp-values.ts';

/** The AS number of nodes that are given none; Calico's default. */
const DEFAULT_AS = 64_512;
/** IANA's port for BGP. */
const BGP_PORT = 179;

/** The other end of a session, before it is one. */
interface Remote extends PeerAddress {
  readonly asNumber: number | undefined;
  /** The node that it is; absent for routers. */
  readonly node?: BgpNode;
}

/**
 * The sessions of one node, at most one with each address and port: what is said for certain nodes comes before what is said
 * for all, and that before the mesh.
 */
export class Sessions {
  readonly #input: BgpInput;
  readonly #self: BgpNode;
  readonly #found = new Map<string, BgpSession>();
  readonly problems: BgpProblem[] = [];

  constructor(input: BgpInput, self: BgpNode) {
    this.#input = input;
    this.#self = self;
  }

  /** In the order of their names. */
  all(): readonly BgpSession[] {
    const peers = this.#input.peers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const chosen = peers.filter((peer) => !isGlobal(peer));
    const global = peers.filter(isGlobal);
    for (const peer of [...chosen, ...global]) if (this.#isLocal(peer)) this.#forward(peer);
    for (const peer of [...chosen, ...global]) if (peer.reverse) this.#backward(peer);
    this.#mesh();
    return [...this.#found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** This node is on the side that the peering is written for. */
  #forward(peer: BgpPeer): void {
    if (peer.peerSelector !== undefined)
      for (const node of this.#nodes(peer.peerSelector)) this.#peerWithNode(peer, node);
    else if (peer.address !== undefined) this.#peerWith(peer, this.#remoteAt(peer, peer.address));
  }

  /** This node is the other side, and peers back. */
  #backward(peer: BgpPeer): void {
    const isOther =
      peer.peerSelector === undefined
        ? peer.address !== undefined && this.#self.addresses.some(({ ip }) => equalIp(ip, peer.address!.ip))
        : selects(peer.peerSelector, this.#self);
    if (!isOther) return;
    for (const node of this.#input.nodes.values()) {
      if (!appliesTo(peer, node)) continue;
      const family = peer.address?.ip.family;
      this.#peerWithNode(peer, node, family);
    }
  }

  #mesh(): void {
    const { configurations, nodes } = this.#input;
    const common = configurations.get('default');
    if (common?.mesh === false || this.#self.clusterId !== undefined) return;
    const password = this.#password('BGPConfiguration/default', common?.meshPassword);
    if (password === null) return;
    for (const node of nodes.values()) {
      if (node.name === this.#self.name || node.clusterId !== undefined) continue;
      for (const remote of this.#remotesOf(node)) {
        const local = addressOf(this.#self, remote.ip.family)?.ip;
        if (local === undefined) continue;
        this.#add(
          {
            ...this.#common('mesh', remote, local, this.#localAs()),
            // One side waits, so that a restarting peer is not connected to before it is ready: Calico's rule, as text.
            passive: formatIp(remote.ip) > formatIp(local),
            password,
            maxRestart: common?.meshMaxRestart,
          },
          remote,
        );
      }
    }
  }

  #peerWithNode(peer: BgpPeer, node: BgpNode, family?: Family): void {
    if (node.name === this.#self.name) return;
    for (const remote of this.#remotesOf(node))
      if (family === undefined || remote.ip.family === family) this.#peerWith(peer, remote);
  }

  #peerWith(peer: BgpPeer, remote: Remote): void {
    const object = `BGPPeer/${peer.name}`;
    const own = addressOf(this.#self, remote.ip.family)?.ip;
    if (own === undefined) return;
    if (equalIp(own, remote.ip)) return;
    if (remote.asNumber === undefined) {
      this.problems.push({
        object,
        message: `spec.asNumber: must be set: no node has the address ${formatIp(remote.ip)}`,
      });
      return;
    }
    const password = this.#password(object, peer.password);
    const filters = this.#filters(object, peer.filters);
    if (password === null) return;
    const localAs = peer.localAsNumber ?? this.#localAs();
    const reflects =
      this.#self.clusterId !== undefined &&
      remote.asNumber === localAs &&
      remote.node?.clusterId !== this.#self.clusterId;
    this.#add(
      {
        ...this.#common(isGlobal(peer) ? 'global' : 'node', remote, own, localAs),
        local: peer.sourceAddress === 'none' ? undefined : own,
        password,
        nextHop: peer.nextHop,
        maxRestart: peer.maxRestart,
        allowedLocalAs: peer.allowedLocalAs,
        ttlSecurity: peer.ttlSecurity,
        reflect: reflects ? this.#self.clusterId : undefined,
        bfd: peer.bfd,
        filters,
      },
      remote,
    );
  }

  #common(
    kind: SessionKind,
    remote: Remote,
    local: Ip,
    localAs: number,
  ): Omit<BgpSession, 'name' | 'peerAs'> & { readonly kind: SessionKind } {
    const own = addressOf(this.#self, remote.ip.family);
    return {
      kind,
      local,
      localAs,
      listenPort: this.#portOf(this.#self.name),
      strictBind: this.#setting('bindNodeIp') ?? false,
      peer: { ip: remote.ip, ...(remote.port === undefined ? {} : { port: remote.port }) },
      passive: false,
      attached: own !== undefined && cidrContains(own, remote.ip),
      nextHop: 'auto',
      password: undefined,
      maxRestart: undefined,
      allowedLocalAs: undefined,
      ttlSecurity: undefined,
      reflect: undefined,
      bfd: false,
      filters: [],
    };
  }

  #add(session: Omit<BgpSession, 'name' | 'peerAs'>, remote: Remote): void {
    const name = sessionName(session.kind, session.peer);
    const key = `${formatIp(remote.ip)} ${remote.port ?? BGP_PORT}`;
    if (remote.asNumber === undefined || this.#found.has(key)) return;
    this.#found.set(key, { name, ...session, peerAs: remote.asNumber });
  }

  #remoteAt(peer: BgpPeer, { ip, port }: PeerAddress): Remote {
    const node = [...this.#input.nodes.values()].find(({ addresses }) =>
      addresses.some((each) => equalIp(each.ip, ip)),
    );
    if (node === undefined) return { ip, ...(port === undefined ? {} : { port }), asNumber: peer.asNumber };
    const listens = port ?? this.#portOf(node.name);
    return { ip, ...portField(listens), asNumber: peer.asNumber ?? this.#asOf(node), node };
  }

  #remotesOf(node: BgpNode): readonly Remote[] {
    const port = portField(this.#portOf(node.name));
    return node.addresses.map(({ ip }) => ({ ip, ...port, asNumber: this.#asOf(node), node }));
  }

  #nodes(selector: string): readonly BgpNode[] {
    return [...this.#input.nodes.values()].filter((node) => selects(selector, node));
  }

  #isLocal(peer: BgpPeer): boolean {
    return appliesTo(peer, this.#self);
  }

  #localAs(): number {
    return this.#asOf(this.#self);
  }

  #asOf(node: BgpNode): number {
    return node.asNumber ?? this.#input.configurations.get('default')?.asNumber ?? DEFAULT_AS;
  }

  #portOf(node: string): number {
    const { configurations } = this.#input;
    return configurations.get(`node.${node}`)?.listenPort ?? configurations.get('default')?.listenPort ?? BGP_PORT;
  }

  #setting<K extends keyof BgpConfiguration>(name: K): BgpConfiguration[K] | undefined {
    return settingOf(this.#input, name);
  }

  /** Null when there should be a password and is none. */
  #password(object: string, key: SecretKey | undefined): string | undefined | null {
    if (key === undefined) return undefined;
    const password = this.#input.secret(key);
    const problem = password === undefined ? 'is not there, or not for the agent to read' : passwordProblem(password);
    if (problem === undefined) return password;
    const message = `no session until there is a password: key ${key.key} of Secret ${key.name} ${problem}`;
    this.problems.push({ object, message });
    return null;
  }

  #filters(object: string, names: readonly string[]): readonly BgpFilter[] {
    return names.map((name) => {
      const filter = this.#input.filters.get(name);
      if (filter !== undefined) return filter;
      this.problems.push({ object, message: `no routes pass: the cluster has no BGPFilter ${name}` });
      return REJECTING;
    });
  }
}

/** What this node's own configuration says, and otherwise the cluster's. */
export function settingOf<K extends keyof BgpConfiguration>(
  { node, configurations }: Pick<BgpInput, 'node' | 'configurations'>,
  name: K,
): BgpConfiguration[K] | undefined {
  return configurations.get(`node.${node}`)?.[name] ?? configurations.get('default')?.[name];
}

/** Stands for a filter that there is none of: nothing passes until it comes. */
const REJECT = [{ action: 'reject', learnt: false, operations: [] }] as const;
const REJECTING: BgpFilter = {
  name: '',
  rules: { import: { 4: REJECT, 6: REJECT }, export: { 4: REJECT, 6: REJECT } },
};

function portField(port: number): { readonly port?: number } {
  return port === BGP_PORT ? {} : { port };
}

function isGlobal({ node, nodeSelector }: BgpPeer): boolean {
  return node === undefined && nodeSelector === undefined;
}

function appliesTo(peer: BgpPeer, node: BgpNode): boolean {
  if (peer.node !== undefined) return peer.node === node.name;
  return peer.nodeSelector === undefined || selects(peer.nodeSelector, node);
}

function selects(selector: string, node: BgpNode): boolean {
  const parsed = parseCalicoSelector(selector);
  return 'selector' in parsed && matchesLabels(parsed.selector, node.labels);
}

function addressOf(node: BgpNode, family: Family): Cidr | undefined {
  return node.addresses.find(({ ip }) => ip.family === family);
}
