import type { AddressEntry, FdbEntry, Link, LinkRef, NeighbourEntry, NetworkEvent, RouteEntry, Rule } from './port.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A link and its far end. */
export interface FakeLink extends Mutable<Link> {
  peer: { namespace: FakeNamespace; link: FakeLink } | undefined;
}

/** What one namespace holds. */
export class FakeNamespace {
  readonly links = new Map<number, FakeLink>();
  addresses: AddressEntry[] = [];
  routes: RouteEntry[] = [];
  neighbours: NeighbourEntry[] = [];
  fdb: (FdbEntry & { readonly link: number })[] = [];
  rules: Rule[] = [];
  readonly watchers = new Set<{ topics: ReadonlySet<string>; listener: (event: NetworkEvent) => void }>();
  #lastIndex = 0;

  constructor() {
    this.add({ name: 'lo', mtu: 65536, mac: '00:00:00:00:00:00' });
  }

  add(link: Partial<Link> & { readonly name: string }): FakeLink {
    const index = ++this.#lastIndex;
    const mac = `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`;
    const created: FakeLink = {
      kind: undefined,
      mtu: 1500,
      up: false,
      carrier: false,
      master: undefined,
      lower: undefined,
      lowerNetnsId: undefined,
      alias: undefined,
      vxlan: undefined,
      ...link,
      mac: link.mac ?? mac,
      index,
      peer: undefined,
    };
    this.links.set(index, created);
    return created;
  }

  find(ref: LinkRef): FakeLink | undefined {
    return typeof ref === 'number' ? this.links.get(ref) : [...this.links.values()].find(({ name }) => name === ref);
  }

  emit(event: NetworkEvent): void {
    for (const { topics, listener } of this.watchers) if (topics.has(event.kind)) setImmediate(() => listener(event));
  }
}

/** Takes the link and its far end away, with everything on them. */
export function removeLink(namespace: FakeNamespace, link: FakeLink): void {
  forgetLink(namespace, link);
  const { peer } = link;
  link.peer = undefined;
  if (peer === undefined) return;
  peer.link.peer = undefined;
  forgetLink(peer.namespace, peer.link);
}

/** Takes the link away with everything on it; its far end stays. */
export function forgetLink(namespace: FakeNamespace, link: FakeLink): void {
  const elsewhere = (entry: { readonly link?: LinkRef }): boolean => entry.link !== link.index;
  namespace.links.delete(link.index);
  namespace.addresses = namespace.addresses.filter(elsewhere);
  namespace.routes = namespace.routes.filter(elsewhere);
  namespace.neighbours = namespace.neighbours.filter(elsewhere);
  namespace.fdb = namespace.fdb.filter(elsewhere);
  namespace.emit({ kind: 'link', gone: true, link: publicLink(link) });
}

/** The link as a dump shows it. */
export function publicLink(link: Omit<FakeLink, 'peer'> & { readonly peer?: unknown }): Link {
  const { peer: _, ...rest } = link;
  return { ...rest, carrier: rest.up };
}
