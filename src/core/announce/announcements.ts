import { cidrContains, compareIp, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { ServiceSpec, SliceSpec } from '../service/model.ts';
import { nodesServing } from '../service/translate.ts';
import type { Member } from './members.ts';
import { poolOf } from './pools.ts';
import type { AnnouncedPool } from './pools.ts';

/** What decides who answers for which address. */
export interface AnnouncementInput {
  readonly pools: readonly AnnouncedPool[];
  readonly services: Iterable<ServiceSpec>;
  readonly slices: Iterable<SliceSpec>;
  /** Nodes whose agents live, in any order. */
  readonly members: readonly Member[];
}

/** An address of Services, and the one node that answers for it on its segment. */
export interface Announcement {
  readonly address: Ip;
  /** `namespace/name`, sorted. */
  readonly services: readonly string[];
  /** Absent where no node can. */
  readonly node?: string;
  /** Where that node answers. */
  readonly interfaces: readonly string[];
}

/**
 * Every address that is to be announced, with its node: of those that are on its segment and suit the Services (under
 * externalTrafficPolicy Local, those with endpoints) the one with the highest hash together with the address. So all who
 * know the same agree, and a node that comes or goes moves only the addresses that it gets or had.
 */
export function announcements({ pools, services, slices, members }: AnnouncementInput): Announcement[] {
  if (pools.length === 0) return [];
  const wanted = addressesOf(services, pools);
  if (wanted.length === 0) return [];
  const isLocal = wanted.some((each) => each.services.some(({ externalLocal }) => externalLocal));
  const endpoints = Map.groupBy(isLocal ? slices : [], ({ service }) => service);
  return wanted.map(({ address, services: claims }) => {
    const pool = poolOf(address, pools)!;
    const suiting = claims.map((each) => suitedNodes(each, endpoints.get(each.key) ?? []));
    const common = { address, services: claims.map(({ key }) => key) };
    const candidates = members.flatMap((member) => {
      const interfaces = interfacesFor(address, member, pool);
      const suits = suiting.every((nodes) => nodes?.has(member.node) !== false);
      return interfaces.length > 0 && suits ? [{ node: member.node, interfaces }] : [];
    });
    const winner = highest(candidates, formatIp(address));
    return winner === undefined ? { ...common, interfaces: [] } : { ...common, ...winner };
  });
}

interface Wanted {
  readonly address: Ip;
  readonly services: readonly ServiceSpec[];
}

/** Sorted by address, with the Services that have it, sorted by name. */
function addressesOf(services: Iterable<ServiceSpec>, pools: readonly AnnouncedPool[]): readonly Wanted[] {
  const found = new Map<string, { readonly address: Ip; readonly services: ServiceSpec[] }>();
  for (const service of services) {
    // Most have no others.
    if (service.addresses.length === service.clusterIps.length) continue;
    const internal = new Set(service.clusterIps.map(formatIp));
    const balanced = new Set(service.balanced?.map(formatIp));
    for (const address of service.addresses) {
      const text = formatIp(address);
      const pool = internal.has(text) ? undefined : poolOf(address, pools);
      if (pool?.[balanced.has(text) ? 'loadBalancerIps' : 'externalIps'] !== true) continue;
      const entry = found.get(text) ?? { address, services: [] };
      entry.services.push(service);
      found.set(text, entry);
    }
  }
  return [...found.values()]
    .map((each) => ({ ...each, services: each.services.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }))
    .sort((a, b) => compareIp(a.address, b.address));
}

/** The nodes whose clients from outside are served; undefined: all. */
function suitedNodes(service: ServiceSpec, slices: readonly SliceSpec[]): ReadonlySet<string> | undefined {
  return service.externalLocal ? nodesServing(service, slices) : undefined;
}

function interfacesFor(address: Ip, { interfaces }: Member, pool: AnnouncedPool): readonly string[] {
  return interfaces
    .filter(({ name, subnets }) =>
      pool.interfaces === undefined
        ? subnets.some((subnet) => cidrContains(subnet, address))
        : pool.interfaces.includes(name),
    )
    .map(({ name }) => name);
}

function highest<T extends { readonly node: string }>(candidates: readonly T[], address: string): T | undefined {
  const scored = candidates.map((candidate) => ({ candidate, score: hash(`${candidate.node}\0${address}`) }));
  scored.sort((a, b) => b.score - a.score || (a.candidate.node < b.candidate.node ? -1 : 1));
  return scored[0]?.candidate;
}

/** FNV-1a, then MurmurHash3's finaliser: names that differ in one letter must not have neighbouring scores. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
