import { SluiceError } from '../../base/errors.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { ErrnoCode } from '../errno.ts';
import type { Link, LinkRef, Netlink, NetworkChange, NetworkEvent, NetworkTopic, NewLink } from '../netlink/port.ts';
import type { CarriedTunnel, Carrier } from './carrier.ts';

type Outcome = Error | undefined;
/** Kinds of link that a {@link Carrier} makes. */
type CarriedKind = 'tun' | 'ovs';
type NewTun = Extract<NewLink, { type: CarriedKind }>;

/**
 * A {@link Netlink} that knows one kind of link more, which a carrier makes: making such a link begins the carrying, even
 * where the device is there already; forwarding entries on it are its peers; and a link shows the settings with which it
 * is carried by this process, none when it is not. Everything else is the kernel's.
 */
export class TunnelNetlink implements Netlink, AsyncDisposable {
  readonly #kernel: Netlink;
  readonly #type: CarriedKind;
  readonly #carrier: Carrier;
  readonly #listeners = new Set<(event: NetworkEvent) => void>();
  #tunnel: Omit<CarriedTunnel, 'peers'> | undefined;
  readonly #peers = new Map<string, Ip>();

  /** `open` is given what to call when a tunnel that was carried is no more. */
  constructor(kernel: Netlink, type: CarriedKind, open: (onFailure: (reason: string) => void) => Carrier) {
    this.#kernel = kernel;
    this.#type = type;
    // Nothing in the kernel may have changed, so nobody would look.
    this.#carrier = open(() => this.#listeners.forEach((listener) => listener({ kind: 'overrun' })));
  }

  links(filter?: Parameters<Netlink['links']>[0]): readonly Link[] {
    return this.#kernel.links(filter).map((link) => this.#withSettings(link));
  }

  link(ref: LinkRef): Link | undefined {
    const link = this.#kernel.link(ref);
    return link === undefined ? undefined : this.#withSettings(link);
  }

  fdb(filter: Parameters<Netlink['fdb']>[0] = {}): ReturnType<Netlink['fdb']> {
    const { link } = filter;
    const device = this.#tunnel === undefined ? undefined : this.#kernel.link(this.#tunnel.name);
    if (device === undefined) return this.#kernel.fdb(filter);
    const peers = [...this.#peers].map(([mac, remote]) => ({ link: device.index, mac, remote }));
    if (link === device.index || link === device.name) return peers;
    return link === undefined ? [...this.#kernel.fdb(), ...peers] : this.#kernel.fdb(filter);
  }

  attempt(changes: readonly NetworkChange[]): readonly Outcome[] {
    const outcomes = Array.from<Outcome>({ length: changes.length });
    let waiting: { readonly index: number; readonly change: NetworkChange }[] = [];
    const flush = (): void => {
      const results = this.#kernel.attempt(waiting.map(({ change }) => change));
      for (const [i, result] of results.entries()) outcomes[waiting[i]!.index] = result;
      waiting = [];
    };
    /** The last change of a peer: all of them are made known at once. */
    let changed: number | undefined;
    for (const [index, change] of changes.entries()) {
      if (change.kind === 'add-link' && change.link.type === this.#type && isCarried(change.link)) {
        // What was on the device before it, such as its removal, comes first.
        flush();
        outcomes[index] = this.#carry(change.link);
        if (outcomes[index] === undefined) waiting.push({ index, change: settingsOf(change.link) });
      } else if (this.#changePeer(change)) changed = index;
      else {
        if (change.kind === 'set-link' && this.#setMtu(change)) changed = index;
        const removed = change.kind === 'delete-link' && change.link === this.#tunnel?.name && this.#drop();
        if (removed !== true) waiting.push({ index, change });
      }
    }
    flush();
    if (changed !== undefined) outcomes[changed] = this.#tell() ?? outcomes[changed];
    return outcomes;
  }

  apply(changes: readonly NetworkChange[]): void {
    const failure = this.attempt(changes).find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
  }

  watch(topics: readonly NetworkTopic[], listener: (event: NetworkEvent) => void): Disposable {
    const kernel = this.#kernel.watch(topics, (event) => listener(this.#current(event)));
    this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        kernel[Symbol.dispose]();
      },
    };
  }

  addresses(filter?: Parameters<Netlink['addresses']>[0]): ReturnType<Netlink['addresses']> {
    return this.#kernel.addresses(filter);
  }

  routes(filter?: Parameters<Netlink['routes']>[0]): ReturnType<Netlink['routes']> {
    return this.#kernel.routes(filter);
  }

  routeTo(...question: Parameters<Netlink['routeTo']>): ReturnType<Netlink['routeTo']> {
    return this.#kernel.routeTo(...question);
  }

  neighbours(filter?: Parameters<Netlink['neighbours']>[0]): ReturnType<Netlink['neighbours']> {
    return this.#kernel.neighbours(filter);
  }

  rules(filter?: Parameters<Netlink['rules']>[0]): ReturnType<Netlink['rules']> {
    return this.#kernel.rules(filter);
  }

  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
  }

  /** What the carrier counts; undefined while nothing is carried or where nobody counts. */
  counters(): Readonly<Record<string, number>> | undefined {
    return this.#tunnel === undefined ? undefined : this.#carrier.counters?.();
  }

  /** Ends the carrying; the device, its routes and addresses stay for the next agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#carrier[Symbol.asyncDispose]();
    this[Symbol.dispose]();
  }

  /** Making the device takes several steps, and watchers hear of each: what they see is the last. */
  #current(event: NetworkEvent): NetworkEvent {
    if (event.kind !== 'link' || event.link.name !== this.#tunnel?.name) return event;
    if (event.gone) this.#carrier.lost();
    return event.gone ? event : { ...event, link: this.link(event.link.index) ?? event.link };
  }

  #withSettings(link: Link): Link {
    if (link.name !== this.#tunnel?.name || !this.#carrier.carries) return link;
    const { port, local, vni } = this.#tunnel;
    return { ...link, kind: this.#type, [this.#type]: { port, local, ...(vni === undefined ? {} : { vni }) } };
  }

  #carry(link: NewTun): Outcome {
    const { name, mac, mtu } = link;
    const before = this.#tunnel;
    const settings = link.type === 'tun' ? link.tun : link.ovs;
    this.#tunnel = { name, mac, ...(mtu === undefined ? {} : { mtu }), ...settings };
    const failure = this.#tell();
    if (failure !== undefined) this.#tunnel = before;
    return failure;
  }

  /** Whether the device is gone. */
  #drop(): boolean {
    const { name } = this.#tunnel!;
    this.#tunnel = undefined;
    this.#peers.clear();
    return this.#carrier.remove(name) === 'removed';
  }

  /** Whether the change gives the tunnel another MTU, which the carrier must know, too. */
  #setMtu({ link, mtu }: Extract<NetworkChange, { kind: 'set-link' }>): boolean {
    if (this.#tunnel === undefined || link !== this.#tunnel.name || mtu === undefined || mtu === this.#tunnel.mtu)
      return false;
    this.#tunnel = { ...this.#tunnel, mtu };
    return true;
  }

  /** Whether the change was about a peer of the tunnel. */
  #changePeer(change: NetworkChange): boolean {
    if (!('entry' in change) || change.entry.link !== this.#tunnel?.name) return false;
    if (change.kind === 'delete-fdb') this.#peers.delete(change.entry.mac);
    else this.#peers.set(change.entry.mac, change.entry.remote);
    return true;
  }

  #tell(): SluiceError<ErrnoCode> | undefined {
    const peers = [...this.#peers].map(([mac, remote]) => ({ mac, remote }));
    try {
      if (this.#tunnel !== undefined) this.#carrier.set({ ...this.#tunnel, peers });
      return undefined;
    } catch (error) {
      if (error instanceof SluiceError) return error as SluiceError<ErrnoCode>;
      throw error;
    }
  }
}

function isCarried(link: NewLink): link is NewTun {
  return link.type === 'tun' || link.type === 'ovs';
}

/** The device exists; the kernel gives it what else was asked for. */
function settingsOf({ name, mac, mtu, up }: NewTun): NetworkChange {
  return {
    kind: 'set-link',
    link: name,
    mac,
    ...(mtu === undefined ? {} : { mtu }),
    ...(up === undefined ? {} : { up }),
  };
}
