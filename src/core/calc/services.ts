import { equalIp, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import {
  affinityChoices,
  affinityMap,
  AHEAD,
  backendData,
  backendKey,
  backendsOf,
  frontendKey,
  FRONTENDS,
  MAX_BACKENDS,
  sharesBackends,
  spreadChain,
  spreadChainName,
  spreadKey,
} from '../nft/compile-service.ts';
import type { Spread } from '../nft/compile-service.ts';
import { intervalKeys } from '../nft/condition-matches.ts';
import { addressKey, rangeKey } from '../nft/key.ts';
import type { ElementData, ElementKey } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { ServiceSpec, SliceSpec } from '../service/model.ts';
import { frontendsOf } from '../service/translate.ts';
import { serverKey, virtualServersOf } from '../service/virtual-servers.ts';
import type { VirtualServer } from '../service/virtual-servers.ts';
import type { Backend, Frontend, Place } from '../service/translate.ts';
import { CountedSet } from './counted-set.ts';
import type { AffinityFlush, CalcUpdate, ConntrackFlush } from './model.ts';
import { Shared } from './shared.ts';

/** What one Service has put into the ruleset. */
interface Programmed {
  readonly elements: readonly (readonly [set: string, key: ElementKey, data: ElementData])[];
  readonly chains: readonly Spread[];
  readonly clusterIps: readonly Ip[];
  /** By their keys. */
  readonly servers: ReadonlyMap<string, VirtualServer>;
  /** By frontend, over UDP. */
  readonly udp: ReadonlyMap<string, ConntrackFlush>;
  /** By map and frontend, where clients are remembered. */
  readonly sticky: ReadonlyMap<string, AffinityFlush>;
}

const NOTHING: Programmed = {
  elements: [],
  chains: [],
  clusterIps: [],
  servers: new Map(),
  udp: new Map(),
  sticky: new Map(),
};

/** Keeps the translation of Services. Should two claim one address and port, the first by name has it. */
export class Services {
  readonly #ruleset: TrackedRuleset;
  readonly #node: string;
  readonly #families: readonly Family[];
  readonly #clusterIps: ReadonlyMap<Family, CountedSet>;
  readonly #services = new Map<string, ServiceSpec>();
  readonly #slices = new Map<string, SliceSpec>();
  readonly #slicesOf = new Map<string, Map<string, SliceSpec>>();
  /** Claimants by frontend: nearly always one. */
  readonly #claims = new Map<string, string | Set<string>>();
  readonly #programmed = new Map<string, Programmed>();
  readonly #chains = new Shared();
  readonly #dirty = new Set<string>();
  readonly #balanced: boolean;
  /** What IPVS has to have. */
  readonly #servers = new Map<string, VirtualServer>();
  #zone: string | undefined;
  #nodeAddresses: readonly Ip[] = [];

  /** `balanced`: IPVS spreads what it can, and the ruleset the rest. */
  constructor(ruleset: TrackedRuleset, node: string, families: readonly Family[], balanced: boolean) {
    this.#ruleset = ruleset;
    this.#node = node;
    this.#families = families;
    this.#balanced = balanced;
    this.#clusterIps = new Map(
      families.map((family) => [family, new CountedSet(ruleset, ruleset.sets.get(SETS.clusterIps(family))!.spec)]),
    );
  }

  setService(key: string, service: ServiceSpec | undefined): void {
    this.#claim(this.#services.get(key), key, 'withdraw');
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#claim(service, key, 'make');
    this.#dirty.add(key);
  }

  setSlice(key: string, slice: SliceSpec | undefined): void {
    const before = this.#slices.get(key);
    if (before !== undefined) {
      this.#slicesOf.get(before.service)?.delete(key);
      if (this.#slicesOf.get(before.service)?.size === 0) this.#slicesOf.delete(before.service);
      this.#dirty.add(before.service);
    }
    if (slice === undefined) this.#slices.delete(key);
    else {
      this.#slices.set(key, slice);
      const siblings = this.#slicesOf.get(slice.service) ?? new Map<string, SliceSpec>();
      this.#slicesOf.set(slice.service, siblings.set(key, slice));
      this.#dirty.add(slice.service);
    }
  }

  /** Of this node; endpoints may be meant for the clients of a zone. */
  setZone(zone: string | undefined): void {
    if (zone === this.#zone) return;
    this.#zone = zone;
    for (const { service, endpoints } of this.#slices.values())
      if (endpoints.some(({ zones }) => zones !== undefined)) this.#dirty.add(service);
  }

  /** Of this node, by which NodePorts are reached, and at which it is an endpoint itself; only IPVS has to be told. */
  setNodeAddresses(addresses: readonly Ip[]): void {
    const same = addresses.length === this.#nodeAddresses.length;
    if (!this.#balanced || (same && addresses.every((each, i) => equalIp(each, this.#nodeAddresses[i]!)))) return;
    this.#nodeAddresses = addresses;
    for (const key of this.#services.keys()) this.#dirty.add(key);
  }

  /** Every server that IPVS has to have; do not keep it. */
  get servers(): ReadonlyMap<string, VirtualServer> {
    return this.#servers;
  }

  /** Brings the maps up to date and names what was made for backends that are gone. */
  settle(): Pick<CalcUpdate, 'conntrackFlush' | 'affinityFlush' | 'servers'> {
    const before = [...this.#dirty].map((key) => [key, this.#programmed.get(key) ?? NOTHING] as const);
    // All old elements go first: a frontend may have passed from one Service to another.
    for (const [, { elements }] of before) for (const [set, key] of elements) this.#ruleset.remove(set, key);
    const changed = new Set(before.flatMap(([, old]) => [...old.servers.keys()]));
    for (const key of changed) this.#servers.delete(key);
    const [conntrackFlush, affinityFlush]: [ConntrackFlush[], AffinityFlush[]] = [[], []];
    for (const [key, old] of before) {
      const now = this.#program(key);
      this.#retire(old);
      for (const [server, value] of now.servers) {
        this.#servers.set(server, value);
        changed.add(server);
      }
      conntrackFlush.push(...staleFlows(old.udp, now.udp));
      affinityFlush.push(...staleChoices(old.sticky, now.sticky));
    }
    this.#dirty.clear();
    return { conntrackFlush, affinityFlush, servers: changed };
  }

  /** Records or withdraws the Service's claim on each of its frontends; other claimants must look again. */
  #claim(service: ServiceSpec | undefined, key: string, act: 'make' | 'withdraw'): void {
    if (service === undefined) return;
    for (const frontend of frontendsOf(service, [], this.#place)) {
      const name = claimKey(frontend);
      const { address, port } = frontend;
      if (address !== undefined && this.#nodeAddresses.some((each) => equalIp(each, address)))
        for (const [other, { ports }] of this.#services)
          if (ports.some(({ nodePort }) => nodePort === port)) this.#dirty.add(other);
      const known = this.#claims.get(name);
      if (known === undefined || known === key) {
        if (act === 'make') this.#claims.set(name, key);
        else this.#claims.delete(name);
        continue;
      }
      const claims = typeof known === 'string' ? new Set([known]) : known;
      if (act === 'make') claims.add(key);
      else claims.delete(key);
      if (claims.size === 0) this.#claims.delete(name);
      else this.#claims.set(name, claims);
      for (const other of claims) if (other !== key) this.#dirty.add(other);
    }
  }

  #program(key: string): Programmed {
    const service = this.#services.get(key);
    if (service === undefined) {
      this.#programmed.delete(key);
      return NOTHING;
    }
    const elements: [string, ElementKey, ElementData][] = [];
    const chains: Spread[] = [];
    const udp = new Map<string, ConntrackFlush>();
    const sticky = new Map<string, AffinityFlush>();
    const frontends = frontendsOf(service, this.#slicesOf.get(key)?.values() ?? [], this.#place).filter(
      (frontend) => this.#families.includes(frontend.family) && this.#owns(key, frontend),
    );
    const servers = this.#serversOf(frontends);
    for (const { address, protocol, port } of servers.values())
      elements.push([SETS.balanced(address.family), frontendKey({ address, protocol, port }), '']);
    for (const frontend of frontends) {
      if (frontend.protocol === 'UDP') addFlows(udp, frontend);
      const { address } = frontend;
      if (address !== undefined && servers.has(serverKey({ ...frontend, address }))) continue;
      elements.push(...elementsOf(frontend));
      const spread = spreadOf(frontend);
      if (spread !== undefined) chains.push(spread);
      if (spread?.affinitySeconds !== undefined) addChoices(sticky, spread, frontend);
    }
    for (const spread of chains) this.#acquire(spread);
    for (const ip of service.clusterIps) this.#clusterIps.get(ip.family)?.claim(addressKey(ip));
    for (const [set, element, data] of elements) this.#ruleset.put(set, element, data);
    const programmed = { elements, chains, clusterIps: service.clusterIps, servers, udp, sticky };
    this.#programmed.set(key, programmed);
    return programmed;
  }

  #serversOf(frontends: readonly Frontend[]): ReadonlyMap<string, VirtualServer> {
    if (!this.#balanced) return new Map();
    const byAddress = frontends.filter(({ address }) => address !== undefined);
    const byNode = frontends.filter(({ address }) => address === undefined);
    const named = virtualServersOf(byAddress, this.#nodeAddresses);
    // A Service that names an address of the node as its own goes before NodePorts.
    const free = virtualServersOf(byNode, this.#nodeAddresses).filter((each) => !this.#claims.has(addressClaim(each)));
    return new Map([...named, ...free].map((each) => [serverKey(each), each]));
  }

  get #place(): Place {
    return { node: this.#node, zone: this.#zone };
  }

  #retire({ chains, clusterIps }: Programmed): void {
    for (const spread of chains) {
      this.#chains.release(spreadChainName(spread));
      if (spread.affinitySeconds !== undefined) this.#chains.release(affinityMap(spread).name);
    }
    for (const ip of clusterIps) this.#clusterIps.get(ip.family)?.release(addressKey(ip));
  }

  #acquire(spread: Spread): void {
    const name = spreadChainName(spread);
    if (spread.affinitySeconds !== undefined) {
      const sets = [affinityMap(spread), affinityChoices(spread)];
      this.#chains.acquire(affinityMap(spread).name, () => {
        for (const each of sets) this.#ruleset.addSet(each);
        return () => {
          for (const { name } of sets) this.#ruleset.deleteSet(name);
        };
      });
    }
    this.#chains.acquire(name, () => {
      const [map, key] = [SETS.spreads(spread.kind, spread.family), spreadKey(spread)];
      this.#ruleset.setChain(spreadChain(spread));
      this.#ruleset.put(map, key, `goto ${name}`);
      return () => {
        this.#ruleset.remove(map, key);
        this.#ruleset.deleteChain(name);
      };
    });
  }

  #owns(service: string, frontend: Frontend): boolean {
    const claims = this.#claims.get(claimKey(frontend));
    if (typeof claims !== 'object') return true;
    for (const other of claims) if (other < service) return false;
    return true;
  }
}

function addressClaim({ address, protocol, port }: VirtualServer): string {
  return `${address.family} ${frontendKey({ address, protocol, port })}`;
}

function claimKey(frontend: Frontend): string {
  return `${frontend.family} ${frontendKey(frontend)}`;
}

function kindOf({ address, clients }: Frontend): Spread['kind'] {
  if (address !== undefined) return clients === 'own' ? 'service' : 'outside-service';
  return clients === 'own' ? 'own-node-port' : 'node-port';
}

function spreadOf(frontend: Frontend): Spread | undefined {
  const { family, affinitySeconds, anyNode, sources } = frontend;
  const backends = Math.min(frontend.backends.length, MAX_BACKENDS);
  if (backends === 0) return undefined;
  const guarded = sources !== undefined;
  return { family, kind: kindOf(frontend), backends, affinitySeconds, anyNode, guarded };
}

function elementsOf(frontend: Frontend): [string, ElementKey, ElementData][] {
  const { family, clients, address: front } = frontend;
  const backends = frontend.backends.slice(0, MAX_BACKENDS);
  const key = frontendKey(frontend);
  const spread = spreadOf(frontend);
  if (spread === undefined) {
    // Whoever comes from elsewhere has no backend that own clients have not.
    if (clients === 'own') return [];
    return [[front === undefined ? SETS.nodePortsRefused(family) : SETS.servicesRefused(family), key, '']];
  }
  const back = backendsOf(spread);
  return [
    [FRONTENDS[spread.kind](family), key, AHEAD + spreadKey(spread)],
    ...(sharesBackends(spread) ? [] : backends).map(
      ({ address, port }, n) => [back, backendKey(key, n), backendData(address, port)] as [string, string, string],
    ),
    ...(spread.affinitySeconds === undefined ? [] : choicesOf(spread, key, backends)),
    ...(clients === 'own' ? sourcesOf(frontend, key) : []),
  ];
}

function choicesOf(
  spread: Spread,
  front: ElementKey,
  backends: readonly Backend[],
): [string, ElementKey, ElementData][] {
  const { name } = affinityChoices(spread);
  return backends.map(({ address, port }, n) => [name, backendKey(front, n), AHEAD + backendData(address, port)]);
}

/** Who may use a frontend that names its sources. */
function sourcesOf({ family, sources = [] }: Frontend, key: ElementKey): [string, ElementKey, ElementData][] {
  const ranges = intervalKeys(family, intervalSet(sources.map(rangeOf)));
  return ranges.map((range) => {
    const [first, last] = range.split('-') as [string, string];
    return [SETS.serviceSources(family), rangeKey(key + first, key + last), ''];
  });
}

/** Own clients and those from elsewhere may have different backends at one frontend: whichever, a flow may go on. */
function addFlows(flows: Map<string, ConntrackFlush>, frontend: Frontend): void {
  const { address, port, backends, family } = frontend;
  const key = `${family} ${frontendKey(frontend)}`;
  const known = flows.get(key)?.endpoints ?? [];
  const keys = new Set(known.map(endpointKey));
  const more = backends.filter((each) => !keys.has(endpointKey(each)));
  const endpoints = [...known, ...more.map((each) => ({ address: each.address, port: each.port }))];
  flows.set(key, { protocol: 'UDP', family, ...(address === undefined ? {} : { address }), port, endpoints });
}

function addChoices(choices: Map<string, AffinityFlush>, spread: Spread, frontend: Frontend): void {
  const [map, front] = [affinityMap(spread), frontendKey(frontend)];
  const endpoints = new Set(frontend.backends.map(({ address, port }) => backendData(address, port)));
  choices.set(`${map.name} ${front}`, { map, front, endpoints });
}

/**
 * Frontends that lost a backend, are gone, or have their first: before that, flows to their addresses may have been let go
 * untranslated. At a start all are new, and what came about while nobody was looking is found.
 */
function* staleFlows(
  before: ReadonlyMap<string, ConntrackFlush>,
  now: ReadonlyMap<string, ConntrackFlush>,
): Generator<ConntrackFlush> {
  for (const [key, flush] of before) if (!now.has(key)) yield { ...flush, endpoints: [] };
  for (const [key, flush] of now) {
    const old = before.get(key)?.endpoints ?? [];
    const kept = new Set(flush.endpoints.map(endpointKey));
    const first = old.length === 0 && (flush.endpoints.length > 0 || !before.has(key));
    if (first || old.some((each) => !kept.has(endpointKey(each)))) yield flush;
  }
}

function endpointKey({ address, port }: Pick<Backend, 'address' | 'port'>): string {
  return backendData(address, port);
}

/** As {@link staleFlows}; what a map remembers does not outlive the map. */
function* staleChoices(
  before: ReadonlyMap<string, AffinityFlush>,
  now: ReadonlyMap<string, AffinityFlush>,
): Generator<AffinityFlush> {
  for (const [key, flush] of before) if (!now.has(key)) yield { ...flush, endpoints: new Set() };
  for (const [key, flush] of now) {
    const old = before.get(key)?.endpoints;
    if (old === undefined || [...old].some((each) => !flush.endpoints.has(each))) yield flush;
  }
}
