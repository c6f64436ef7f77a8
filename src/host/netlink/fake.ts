import { cidrContains, equalIp, formatCidr, networkOf } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { SluiceError } from '../../base/errors.ts';
import { ERRNO, errnoError } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { describeChange } from './change-codec.ts';
import { FakeNamespace, forgetLink, publicLink, removeLink } from './fake-namespace.ts';
import type { FakeLink } from './fake-namespace.ts';
import { MAIN_TABLE } from './port.ts';
import type {
  Address,
  AddressEntry,
  FdbEntry,
  Link,
  LinkRef,
  Neighbour,
  NeighbourEntry,
  Netlink,
  NetworkChange,
  NetworkEvent,
  NetworkTopic,
  NewLink,
  Route,
  RouteEntry,
  Rule,
} from './port.ts';

type Errno = keyof typeof ERRNO;

/** Kernel's own routes and rules carry this protocol (RTPROT_KERNEL). */
const RTPROT_KERNEL = 2;
const DEFAULT_V6_METRIC = 1024;

/**
 * Network namespaces in memory that answer as the kernel does for what Sluice asks of them: what exists, what is missing,
 * which gateway is reachable, what goes when a link goes. Nothing is forwarded.
 */
export class FakeNetwork {
  readonly #namespaces = new Map<string, FakeNamespace>();

  /** Makes the namespace that {@link NetnsRef} `path` refers to; `netlink` without a path uses one of its own. */
  addNetns(path: string): void {
    this.#namespaces.set(path, new FakeNamespace());
  }

  /** A device that no message of netlink's makes appears in the unnamed namespace. */
  addDevice(name: string, kind: string): void {
    if (!this.#namespaces.has('')) this.addNetns('');
    const namespace = this.#namespaces.get('')!;
    const link = namespace.add({ name, kind, mtu: 1500 });
    namespace.emit({ kind: 'link', gone: false, link: publicLink(link) });
  }

  /** The namespace with everything in it goes, and veth peers elsewhere with it. */
  deleteNetns(path: string): void {
    for (const link of this.#namespaces.get(path)?.links.values() ?? []) removeLink(this.#namespaces.get(path)!, link);
    this.#namespaces.delete(path);
  }

  netlink(options: { readonly netns?: string } = {}): Netlink {
    const path = options.netns ?? '';
    if (path === '' && !this.#namespaces.has(path)) this.addNetns(path);
    const namespace = this.#namespaces.get(path);
    if (namespace === undefined) throw errnoError(ERRNO.ENOENT, `opening network namespace ${path}`);
    return new FakeNetlink(namespace, (ref) => this.#namespaces.get(String(ref)));
  }
}

class FakeNetlink implements Netlink {
  readonly #namespace: FakeNamespace;
  readonly #netnsOf: (ref: string | number) => FakeNamespace | undefined;

  constructor(namespace: FakeNamespace, netnsOf: (ref: string | number) => FakeNamespace | undefined) {
    this.#namespace = namespace;
    this.#netnsOf = netnsOf;
  }

  links(filter: { readonly kind?: string } = {}): readonly Link[] {
    const links = [...this.#namespace.links.values()].map(publicLink);
    return filter.kind === undefined ? links : links.filter(({ kind }) => kind === filter.kind);
  }

  link(ref: LinkRef): Link | undefined {
    const link = this.#namespace.find(ref);
    return link === undefined ? undefined : publicLink(link);
  }

  addresses(filter: Parameters<Netlink['addresses']>[0] = {}): readonly AddressEntry[] {
    return this.#namespace.addresses.filter(
      ({ link, address }) =>
        this.#onLink(link, filter.link) && (filter.family === undefined || address.ip.family === filter.family),
    );
  }

  routes(filter: Parameters<Netlink['routes']>[0] = {}): readonly RouteEntry[] {
    return this.#namespace.routes.filter(
      (route) =>
        this.#onLink(route.link, filter.link) &&
        (filter.family === undefined || route.destination.ip.family === filter.family) &&
        (filter.table === undefined || route.table === filter.table) &&
        (filter.protocol === undefined || route.protocol === filter.protocol),
    );
  }

  routeTo(destination: Ip, options: { readonly mark?: number; readonly source?: Ip } = {}): RouteEntry | undefined {
    const { mark = 0, source } = options;
    const tables = this.#namespace.rules
      .filter((rule) => rule.family === destination.family && matchesMark(rule.mark, mark))
      .filter(({ from }) => from === undefined || (source !== undefined && cidrContains(from, source)))
      .toSorted((a, b) => a.priority - b.priority)
      .map(({ table }) => table);
    for (const table of [...tables, MAIN_TABLE]) {
      const [best] = this.#namespace.routes
        .filter((route) => route.table === table && cidrContains(route.destination, destination))
        .toSorted((a, b) => b.destination.prefix - a.destination.prefix || (a.metric ?? 0) - (b.metric ?? 0));
      if (best !== undefined && best.type !== 'throw') return best.type === 'unicast' ? best : undefined;
    }
    return undefined;
  }

  neighbours(filter: Parameters<Netlink['neighbours']>[0] = {}): readonly NeighbourEntry[] {
    return this.#namespace.neighbours.filter(
      ({ link, ip }) => this.#onLink(link, filter.link) && (filter.family === undefined || ip.family === filter.family),
    );
  }

  fdb(filter: { readonly link?: LinkRef } = {}): readonly (FdbEntry & { readonly link: number })[] {
    return this.#namespace.fdb.filter(({ link }) => this.#onLink(link, filter.link));
  }

  rules(filter: Parameters<Netlink['rules']>[0] = {}): readonly Rule[] {
    return this.#namespace.rules.filter(
      (rule) =>
        (filter.family === undefined || rule.family === filter.family) &&
        (filter.protocol === undefined || rule.protocol === filter.protocol),
    );
  }

  apply(changes: readonly NetworkChange[]): void {
    const failure = this.attempt(changes).find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
  }

  attempt(changes: readonly NetworkChange[]): readonly (SluiceError<ErrnoCode> | undefined)[] {
    return changes.map((change) => {
      const errno = this.#change(change);
      return errno === undefined ? undefined : errnoError(ERRNO[errno], describeChange(change), { change });
    });
  }

  watch(topics: readonly NetworkTopic[], listener: (event: NetworkEvent) => void): Disposable {
    const watcher = { topics: new Set<string>(topics), listener };
    this.#namespace.watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#namespace.watchers.delete(watcher) };
  }

  [Symbol.dispose](): void {}

  #onLink(link: number | undefined, wanted: LinkRef | undefined): boolean {
    if (wanted === undefined) return true;
    return link !== undefined && this.#namespace.find(wanted)?.index === link;
  }

  /** Makes the change, or returns the errno of the kernel's refusal. */
  #change(change: NetworkChange): Errno | undefined {
    switch (change.kind) {
      case 'add-link':
        return this.#addLink(change.link);
      case 'set-link':
        return this.#setLink(change);
      case 'delete-link': {
        const link = this.#namespace.find(change.link);
        if (link === undefined) return 'ENODEV';
        removeLink(this.#namespace, link);
        return undefined;
      }
      case 'add-address':
      case 'replace-address':
        return this.#addAddress(change.address, change.kind === 'replace-address');
      case 'delete-address':
        return this.#deleteAddress(change.address);
      case 'add-route':
      case 'replace-route':
        return this.#addRoute(change.route, change.kind === 'replace-route');
      case 'delete-route':
        return this.#deleteRoute(change.route);
      case 'replace-neighbour':
      case 'delete-neighbour':
        return this.#changeNeighbour(change.neighbour, change.kind === 'delete-neighbour');
      case 'replace-fdb':
      case 'append-fdb':
      case 'delete-fdb':
        return this.#changeFdb(change.entry, change.kind);
      case 'add-rule':
      case 'delete-rule':
        return this.#changeRule(change.rule, change.kind === 'delete-rule');
    }
  }

  #addLink(link: NewLink): Errno | undefined {
    const namespace = this.#namespace;
    if (namespace.find(link.name) !== undefined) return 'EEXIST';
    const master = link.master === undefined ? undefined : namespace.find(link.master);
    if (link.master !== undefined && master === undefined) return 'ENODEV';
    const common = { kind: link.type, mac: link.mac, mtu: link.mtu ?? 1500, ...sizeOf(link) };
    if (link.type === 'veth') {
      const home = link.peer.netns === undefined ? namespace : this.#netnsOf(link.peer.netns);
      if (home === undefined) return 'ENOENT';
      if (home.find(link.peer.name) !== undefined) return 'EEXIST';
      const near = namespace.add({ ...common, name: link.name, up: link.up ?? false, master: master?.index });
      const { peer } = link;
      const far = home.add({ kind: 'veth', name: peer.name, mac: peer.mac, mtu: peer.mtu ?? 1500, ...sizeOf(peer) });
      near.peer = { namespace: home, link: far };
      far.peer = { namespace, link: near };
      near.lower = far.index;
      far.lower = near.index;
      namespace.emit({ kind: 'link', gone: false, link: publicLink(near) });
      home.emit({ kind: 'link', gone: false, link: publicLink(far) });
      return undefined;
    }
    if (link.type === 'vxlan' && link.vxlan.device !== undefined && namespace.find(link.vxlan.device) === undefined)
      return 'ENODEV';
    if (link.type === 'macvlan') return this.#addMacvlan(link);
    const vxlan = link.type === 'vxlan' ? link.vxlan : undefined;
    if (link.type === 'ipip' && link.ipip.local === undefined) return 'EEXIST';
    if (link.type === 'ipip' && namespace.find('tunl0') === undefined)
      namespace.add({ name: 'tunl0', kind: 'ipip', mtu: 1480, ipip: {} });
    const created = namespace.add({
      ...common,
      name: link.name,
      up: link.up ?? false,
      master: master?.index,
      vxlan,
      ...(link.type === 'ipip' ? { ipip: link.ipip } : {}),
    });
    namespace.emit({ kind: 'link', gone: false, link: publicLink(created) });
    return undefined;
  }

  #addMacvlan({ name, mac, mtu, up = false, parent, netns }: Extract<NewLink, { type: 'macvlan' }>): Errno | undefined {
    const lower = this.#namespace.find(parent);
    if (lower === undefined) return 'ENODEV';
    const home = netns === undefined ? this.#namespace : this.#netnsOf(netns);
    if (home === undefined) return 'ENOENT';
    if (home.find(name) !== undefined) return 'EEXIST';
    const created = home.add({ kind: 'macvlan', name, mac, mtu: mtu ?? lower.mtu, up, lower: lower.index });
    home.emit({ kind: 'link', gone: false, link: publicLink(created) });
    return undefined;
  }

  #setLink(change: Extract<NetworkChange, { kind: 'set-link' }>): Errno | undefined {
    const namespace = this.#namespace;
    const link = namespace.find(change.link);
    if (link === undefined) return 'ENODEV';
    if (change.name !== undefined && change.name !== link.name && namespace.find(change.name) !== undefined)
      return 'EEXIST';
    const master = change.master === undefined || change.master === null ? undefined : namespace.find(change.master);
    if (change.master !== undefined && change.master !== null && master === undefined) return 'ENODEV';
    if (change.name !== undefined) link.name = change.name;
    if (change.mac !== undefined) link.mac = change.mac;
    if (change.mtu !== undefined) link.mtu = change.mtu;
    if (change.packetSize !== undefined) link.packetSize = change.packetSize;
    if (change.alias !== undefined) link.alias = change.alias;
    if (change.master !== undefined) link.master = master?.index;
    if (change.up !== undefined) {
      link.up = change.up;
      if (!change.up) namespace.routes = namespace.routes.filter((route) => route.link !== link.index);
      else for (const address of namespace.addresses) if (address.link === link.index) this.#connect(address);
    }
    namespace.emit({ kind: 'link', gone: false, link: publicLink(link) });
    return change.netns === undefined ? undefined : this.#move(link, change.netns);
  }

  #move(link: FakeLink, netns: string | number): Errno | undefined {
    const target = this.#netnsOf(netns);
    if (target === undefined) return 'ENOENT';
    if (target.find(link.name) !== undefined) return 'EEXIST';
    const { peer } = link;
    forgetLink(this.#namespace, link);
    const { index: _, ...rest } = link;
    const moved = target.add({ ...publicLink({ ...rest, index: 0 }), up: false });
    moved.peer = peer;
    if (peer !== undefined) peer.link.peer = { namespace: target, link: moved };
    target.emit({ kind: 'link', gone: false, link: publicLink(moved) });
    return undefined;
  }

  #addAddress({ link: ref, address, scope = 'global' }: Address, replace: boolean): Errno | undefined {
    const namespace = this.#namespace;
    const link = namespace.find(ref);
    if (link === undefined) return 'ENODEV';
    const present = namespace.addresses.some((entry) => entry.link === link.index && equalCidr(entry.address, address));
    if (present) return replace ? undefined : 'EEXIST';
    const entry: AddressEntry = { link: link.index, address, scope };
    namespace.addresses.push(entry);
    if (link.up) this.#connect(entry);
    namespace.emit({ kind: 'address', gone: false, address: entry });
    return undefined;
  }

  /** The route to the address's own network, which the kernel adds while the link is up. */
  #connect({ link, address }: AddressEntry): void {
    const destination = networkOf(address);
    const host = address.prefix === (address.ip.family === 4 ? 32 : 128);
    if (host && address.ip.family === 4) return;
    this.#namespace.routes.push({
      destination,
      link,
      type: 'unicast',
      protocol: RTPROT_KERNEL,
      table: MAIN_TABLE,
      ...(address.ip.family === 4 ? { source: address.ip, scope: 'link' } : { metric: 256, scope: 'global' }),
    });
  }

  #deleteAddress({ link: ref, address }: Address): Errno | undefined {
    const namespace = this.#namespace;
    const link = namespace.find(ref);
    if (link === undefined) return 'ENODEV';
    const entry = namespace.addresses.find((known) => known.link === link.index && equalCidr(known.address, address));
    if (entry === undefined) return 'EADDRNOTAVAIL';
    namespace.addresses = namespace.addresses.filter((known) => known !== entry);
    namespace.routes = namespace.routes.filter(
      (route) =>
        route.link !== link.index ||
        route.protocol !== RTPROT_KERNEL ||
        !equalCidr(route.destination, networkOf(address)),
    );
    namespace.emit({ kind: 'address', gone: true, address: entry });
    return undefined;
  }

  #addRoute(route: Route, replace: boolean): Errno | undefined {
    const namespace = this.#namespace;
    const link = route.link === undefined ? undefined : namespace.find(route.link);
    if (route.link !== undefined && link === undefined) return 'ENODEV';
    const destination = networkOf(route.destination);
    if (route.destination.ip.family === 4 && !equalCidr(route.destination, destination)) return 'EINVAL';
    const known = namespace.routes.find((entry) => sameRoute(entry, route));
    if (known !== undefined && !replace) return 'EEXIST';
    if (link?.up === false) return 'ENETDOWN';
    const direct = route.type === undefined || route.type === 'unicast';
    const through = route.via === undefined ? link : (link ?? this.#linkTowards(route.via));
    if (direct && route.via !== undefined && route.onlink !== true && !this.#reaches(route.via, through))
      return route.via.family === 4 ? 'ENETUNREACH' : 'EHOSTUNREACH';
    if (direct && through === undefined) return 'ENODEV';
    const entry: RouteEntry = {
      ...withoutLink(route),
      destination,
      ...(through === undefined || !(direct || route.type === 'local') ? {} : { link: through.index }),
      type: route.type ?? 'unicast',
      protocol: route.protocol ?? 3,
      table: route.table ?? MAIN_TABLE,
      scope:
        route.scope ?? (direct && route.via === undefined && route.destination.ip.family === 4 ? 'link' : 'global'),
      ...(route.destination.ip.family === 6 && route.metric === undefined ? { metric: DEFAULT_V6_METRIC } : {}),
    };
    namespace.routes = [...namespace.routes.filter((other) => other !== known), entry];
    namespace.emit({ kind: 'route', gone: false, route: entry });
    return undefined;
  }

  #linkTowards(via: Ip): FakeLink | undefined {
    const route = this.#namespace.routes.find(
      (entry) => entry.via === undefined && cidrContains(entry.destination, via),
    );
    return route?.link === undefined ? undefined : this.#namespace.links.get(route.link);
  }

  /** A gateway must be on a network that the link is connected to; an IPv6 link-local one always is. */
  #reaches(via: Ip, link: FakeLink | undefined): boolean {
    if (link === undefined) return false;
    if (via.family === 6 && via.value >> 118n === 0x3fan) return true;
    return this.#namespace.routes.some(
      (entry) => entry.link === link.index && entry.via === undefined && cidrContains(entry.destination, via),
    );
  }

  #deleteRoute(route: Route): Errno | undefined {
    const namespace = this.#namespace;
    const link = route.link === undefined ? undefined : namespace.find(route.link);
    if (route.link !== undefined && link === undefined) return 'ENODEV';
    const known = namespace.routes.find(
      (entry) =>
        entry.table === (route.table ?? MAIN_TABLE) &&
        equalCidr(entry.destination, route.destination) &&
        (link === undefined || entry.link === link.index) &&
        (route.via === undefined || (entry.via !== undefined && equalIp(entry.via, route.via))) &&
        (route.type === undefined || entry.type === route.type) &&
        (route.metric === undefined || entry.metric === route.metric) &&
        (route.protocol === undefined || entry.protocol === route.protocol),
    );
    if (known === undefined) return 'ESRCH';
    namespace.routes = namespace.routes.filter((entry) => entry !== known);
    namespace.emit({ kind: 'route', gone: true, route: known });
    return undefined;
  }

  #changeNeighbour(neighbour: Neighbour, remove: boolean): Errno | undefined {
    const namespace = this.#namespace;
    const link = namespace.find(neighbour.link);
    if (link === undefined) return 'ENODEV';
    const known = namespace.neighbours.find((entry) => entry.link === link.index && equalIp(entry.ip, neighbour.ip));
    if (remove && known === undefined) return 'ENOENT';
    namespace.neighbours = namespace.neighbours.filter((entry) => entry !== known);
    const entry: NeighbourEntry = {
      link: link.index,
      ip: neighbour.ip,
      mac: neighbour.mac,
      state: neighbour.state ?? 'permanent',
    };
    if (!remove) namespace.neighbours.push(entry);
    namespace.emit({ kind: 'neighbour', gone: remove, neighbour: entry });
    return undefined;
  }

  #changeFdb(entry: FdbEntry, kind: 'replace-fdb' | 'append-fdb' | 'delete-fdb'): Errno | undefined {
    const namespace = this.#namespace;
    const link = namespace.find(entry.link);
    if (link === undefined) return 'ENODEV';
    if (link.kind !== 'vxlan') return 'EOPNOTSUPP';
    const known = namespace.fdb.filter((other) => other.link === link.index && other.mac === entry.mac);
    const same = known.find(({ remote }) => equalIp(remote, entry.remote));
    if (kind === 'delete-fdb' && same === undefined) return 'ENOENT';
    const floods = entry.mac === '00:00:00:00:00:00';
    const dropped = kind === 'delete-fdb' ? [same] : kind === 'replace-fdb' || !floods ? known : [same];
    namespace.fdb = namespace.fdb.filter((other) => !dropped.includes(other));
    if (kind !== 'delete-fdb') namespace.fdb.push({ ...entry, link: link.index });
    return undefined;
  }

  #changeRule(rule: Rule, remove: boolean): Errno | undefined {
    const namespace = this.#namespace;
    const known = namespace.rules.find((entry) => ruleKey(entry) === ruleKey(rule));
    if (remove && known === undefined) return 'ENOENT';
    if (!remove && known !== undefined) return 'EEXIST';
    namespace.rules = remove ? namespace.rules.filter((entry) => entry !== known) : [...namespace.rules, rule];
    namespace.emit({ kind: 'rule', gone: remove, rule });
    return undefined;
  }
}

function withoutLink(route: Route): Omit<Route, 'link'> {
  const { link: _, ...rest } = route;
  return rest;
}

function sameRoute(entry: RouteEntry, route: Route): boolean {
  const metric = route.metric ?? (route.destination.ip.family === 6 ? DEFAULT_V6_METRIC : 0);
  return (
    entry.table === (route.table ?? MAIN_TABLE) &&
    (entry.metric ?? 0) === metric &&
    equalCidr(entry.destination, route.destination)
  );
}

function equalCidr(a: Cidr, b: Cidr): boolean {
  return a.prefix === b.prefix && equalIp(a.ip, b.ip);
}

function matchesMark(wanted: Rule['mark'], mark: number): boolean {
  return wanted === undefined || (mark & wanted.mask) === wanted.value;
}

function ruleKey({ family, priority, table, action, mark, from, to }: Rule): string {
  const cidrs = [from, to].map((cidr) => (cidr === undefined ? '' : formatCidr(cidr)));
  const does = typeof action === 'object' ? `goto ${action.goto}` : action;
  return [family, priority, table, does, mark?.value, mark?.mask, ...cidrs].join(' ');
}

function sizeOf({ packetSize }: Pick<NewLink, 'packetSize'>): Pick<Link, 'packetSize'> {
  return packetSize === undefined ? {} : { packetSize };
}
