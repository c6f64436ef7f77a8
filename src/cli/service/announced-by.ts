import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import { formatIp } from '../../base/ip/index.ts';
import {
  LEASE_SECONDS,
  SUBNETS_ANNOTATION,
  announcedPool,
  announcements,
  mayAnnounce,
  parseInterfaces,
} from '../../core/announce/index.ts';
import type { Member } from '../../core/announce/index.ts';
import { serviceSpec, sliceSpec } from '../../core/service/index.ts';
import type { ClusterSnapshot } from '../cluster.ts';

/** What the question who announces an address is answered from. */
export type AnnouncementSources = Pick<ClusterSnapshot, 'services' | 'endpointSlices' | 'nodes' | 'ipPools'> & {
  /** Of the nodes that announce; none where no pool asks for it. */
  readonly leases: readonly Lease[];
  /** Epoch milliseconds, by a clock like those of the nodes. */
  readonly now: number;
};

/**
 * Of each address that nodes announce on their segments: the node, worked out as the nodes do, or undefined where none can
 * answer now. Addresses that no pool has announced are not there.
 */
export function announcedBy(sources: AnnouncementSources): ReadonlyMap<string, string | undefined> {
  const pools = sources.ipPools.flatMap((pool) => {
    const found = announcedPool(pool);
    return found !== undefined && 'pool' in found ? [found.pool] : [];
  });
  const found = announcements({
    pools,
    services: sources.services.map(serviceSpec),
    slices: sources.endpointSlices.flatMap((slice) => sliceSpec(slice) ?? []),
    members: membersOf(sources),
  });
  return new Map(found.map(({ address, node }) => [formatIp(address), node]));
}

function membersOf({ leases, nodes, now }: AnnouncementSources): readonly Member[] {
  const eligible = new Set(
    nodes.filter(({ metadata }) => mayAnnounce(metadata?.labels ?? {})).map(({ metadata }) => metadata?.name ?? ''),
  );
  return leases.flatMap(({ metadata, spec }) => {
    const node = metadata?.name ?? '';
    const ends = Date.parse(String(spec?.renewTime ?? '')) + LEASE_SECONDS * 1000;
    if (!eligible.has(node) || !(ends > now)) return [];
    return [{ node, interfaces: parseInterfaces(metadata?.annotations?.[SUBNETS_ANNOTATION] ?? '{}') }];
  });
}
