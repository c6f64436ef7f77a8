import { SluiceError, messageOf } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { FlannelPeers, parseStoredLease } from '../../core/flannel/index.ts';
import type { FlannelLease, LeaseReading, NetConf, SubnetCuts } from '../../core/flannel/index.ts';
import type { RoutingInput, RoutingNode } from '../../core/routing/index.ts';
import { followLeases } from '../../host/flannel/follow-leases.ts';
import type { KnownLeases } from '../../host/flannel/follow-leases.ts';
import type { LeaseEntry, LeaseStore } from '../../host/flannel/lease-store.ts';
import type { Flannel, FlannelDependencies } from './flannel.ts';
import { FlannelOwnLease } from './flannel-own-lease.ts';
import { FlannelSelf } from './flannel-self.ts';
import type { FlannelParts } from './flannel-parts.ts';
import type { FlannelSubnetFile } from './flannel-subnet-file.ts';
import type { FlannelWireguard } from './flannel-wireguard.ts';

interface LeasedFlannelDependencies extends FlannelDependencies {
  readonly store: LeaseStore;
  readonly cuts: SubnetCuts;
}

/** Leases are in etcd: this node takes one, and follows those of the others. */
export class LeasedFlannel implements Flannel {
  readonly done: Promise<void>;
  readonly #node: string;
  readonly #netConf: NetConf;
  readonly #dependencies: LeasedFlannelDependencies;
  readonly #self: FlannelSelf;
  readonly #peers: FlannelPeers;
  readonly #file: FlannelSubnetFile;
  readonly #wireguard: FlannelWireguard | undefined;
  readonly #own: FlannelOwnLease;
  // The same objects while an entry is the same: what follows from them is not derived again.
  readonly #readings = new WeakMap<LeaseEntry, LeaseReading>();
  #known: KnownLeases | undefined;
  /** Why etcd does not tell; undefined while it does. */
  #silence: string | undefined;

  constructor(
    node: string,
    netConf: NetConf,
    { file, wireguard }: FlannelParts,
    dependencies: LeasedFlannelDependencies,
  ) {
    this.#node = node;
    this.#netConf = netConf;
    this.#file = file;
    this.#wireguard = wireguard;
    this.#dependencies = dependencies;
    this.#self = new FlannelSelf(node, netConf, { ...dependencies, publicKey: wireguard?.publicKey });
    this.#peers = new FlannelPeers(netConf);
    const { signal, onLeases, store } = dependencies;
    this.#own = new FlannelOwnLease({
      ...dependencies,
      own: () => this.#words(),
      previous: file.subnets,
      random: Math.random,
      onSubnets: () => onLeases(true),
    });
    const listener = {
      onLeases: (known: KnownLeases) => this.#onLeases(known),
      onError: (error: unknown) => this.#onSilence(messageOf(error)),
    };
    this.done = Promise.all([followLeases(store, listener, signal), this.#own.run(signal)]).then(() => undefined);
  }

  /** Throws `no-lease`. */
  subnets(): readonly Cidr[] {
    const { subnets, problem } = this.#own;
    if (subnets !== undefined) return subnets;
    this.#own.changed();
    const why = this.#silence ?? problem ?? 'etcd has not told of the leases yet';
    throw new SluiceError('no-lease', `node ${this.#node} has no flannel lease: ${why}`);
  }

  /** flannel has none where leases are in etcd. */
  annotations(): Readonly<Record<string, string>> {
    return {};
  }

  routing(input: RoutingInput): RoutingInput {
    this.#own.changed();
    const leases = new Map<string, LeaseReading>();
    const own = this.#ownLease();
    if (own !== undefined) leases.set(this.#node, { lease: own, problems: [] });
    const names = namesByAddress(input.nodes);
    const self = own?.families[4] && formatIp(own.families[4].publicIp);
    for (const [key, entry] of this.#known?.entries ?? []) {
      const reading = this.#readingOf(entry);
      const address = reading.lease?.families[4] && formatIp(reading.lease.families[4].publicIp);
      // Of an earlier life of this node, perhaps.
      if (key === this.#own.key || (address !== undefined && address === self)) continue;
      const name = (address === undefined ? undefined : (names.get(address) ?? address)) ?? key;
      leases.set(leases.has(name) ? key : name, reading);
    }
    const adapted = this.#peers.apply(input, leases);
    const tunnels = this.#wireguard?.learn(this.#node, leases) ?? [];
    return { ...adapted, ownProblems: [...(adapted.ownProblems ?? []), ...this.#problems(own), ...tunnels] };
  }

  settled(podMtu: number, generation: number): void {
    this.#wireguard?.settle(generation);
    this.#file.update(this.#own.subnets ?? [], podMtu);
  }

  #problems(own: FlannelLease | undefined): NonNullable<RoutingInput['ownProblems']> {
    const { problem } = this.#own;
    const silence = this.#silence === undefined ? [] : [`flannel's leases in etcd are not followed: ${this.#silence}`];
    const wrong = problem === undefined ? silence : [...silence, `the flannel lease of this node: ${problem}`];
    return [
      ...wrong.map((message) => ({ peer: '', code: 'bad-lease' as const, message })),
      ...this.#self.problems(own),
    ];
  }

  /** What this node would say with whatever subnets; throws `no-own-address` while it lacks a family of the network. */
  #words(): FlannelLease {
    const known = this.#dependencies.nodes().get(this.#node);
    if (known === undefined) throw new SluiceError('no-node', `the cluster has no node ${this.#node} yet`);
    const lease = this.#self.lease(known, this.#own.subnets ?? Object.values(this.#netConf.networks));
    const [lacking] = this.#self.lacks(lease);
    if (lacking === undefined) return lease;
    throw new SluiceError('no-own-address', `the node has no IPv${lacking} address that others could reach it at`);
  }

  #ownLease(): FlannelLease | undefined {
    const { subnets } = this.#own;
    const known = this.#dependencies.nodes().get(this.#node);
    return subnets === undefined || known === undefined ? undefined : this.#self.lease(known, subnets);
  }

  #readingOf(entry: LeaseEntry): LeaseReading {
    const reading = this.#readings.get(entry) ?? parseStoredLease(entry.key, entry.value);
    this.#readings.set(entry, reading);
    return reading;
  }

  #onLeases(known: KnownLeases): void {
    if (this.#silence !== undefined) this.#dependencies.log.info('etcd tells of flannel leases again');
    this.#silence = undefined;
    this.#known = known;
    this.#own.told(known);
    this.#dependencies.onLeases(false);
  }

  #onSilence(reason: string): void {
    if (this.#silence === reason) return;
    this.#dependencies.log.warn('cannot follow flannel leases', { error: reason });
    this.#silence = reason;
    // For what the status tells; the leases are as they were.
    this.#dependencies.onLeases(false);
  }
}

/** Nodes of Kubernetes by their addresses: a lease does not say whose it is. */
function namesByAddress(nodes: ReadonlyMap<string, RoutingNode>): ReadonlyMap<string, string> {
  return new Map(
    [...nodes.values()].flatMap(({ name, addresses }) => addresses.map((ip) => [formatIp(ip), name] as const)),
  );
}
