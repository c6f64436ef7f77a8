import type { Family } from '../../base/ip/index.ts';
import { FRONTENDS } from './compile-service.ts';
import { hostPortSets } from './host-ports.ts';
import type { SetSpec } from './model.ts';
import { SETS } from './names.ts';

/** What a frontend asks of load balancing, and how it points there: as compile-service.ts writes it. */
const SPREAD = ['mark'] as const;
const TO_SPREAD = ['mark', 'mark'] as const;

/** The sets that they read besides where IPVS spreads connections. */
export function balancedSets(families: readonly Family[]): readonly SetSpec[] {
  return families.map((family) => ({
    name: SETS.balanced(family),
    key: [family === 4 ? 'ipv4_addr' : 'ipv6_addr', 'inet_proto', 'inet_service'],
  }));
}

/** The sets that the base chains read. */
export function baseSets(families: readonly Family[]): readonly SetSpec[] {
  return [
    { name: SETS.egress, key: ['ifname'], data: 'verdict' },
    { name: SETS.ingress, key: ['ifname'], data: 'verdict' },
    { name: SETS.ownNode, key: ['ifname'], data: 'verdict' },
    { name: SETS.peers, key: ['ether_addr'], data: 'verdict' },
    { name: SETS.outerPeers, key: ['ipv4_addr'], data: 'verdict' },
    ...families.flatMap(familySets),
    ...families.flatMap((family) =>
      Object.keys(FRONTENDS).map((kind): SetSpec => ({
        name: SETS.spreads(kind, family),
        key: SPREAD,
        data: 'verdict',
      })),
    ),
  ];
}

function familySets(family: Family): SetSpec[] {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const endpoint = [address, 'inet_service'] as const;
  return [
    { name: SETS.source(family), key: ['ifname', address] },
    { name: SETS.self(family), key: [address, address] },
    { name: SETS.pools(family), key: [address], interval: true },
    { name: SETS.natPools(family), key: [address], interval: true },
    { name: SETS.nodes(family), key: [address] },
    { name: SETS.directPeers(family), key: [address] },
    { name: SETS.clusterIps(family), key: [address] },
    { name: SETS.services(family), key: [address, 'inet_proto', 'inet_service'], data: TO_SPREAD },
    {
      name: SETS.serviceEndpoints(family),
      key: [address, 'inet_proto', 'inet_service', 'integer'],
      data: endpoint,
    },
    { name: SETS.outsideServices(family), key: [address, 'inet_proto', 'inet_service'], data: TO_SPREAD },
    {
      name: SETS.outsideServiceEndpoints(family),
      key: [address, 'inet_proto', 'inet_service', 'integer'],
      data: endpoint,
    },
    { name: SETS.serviceSources(family), key: [address, 'inet_proto', 'inet_service', address], interval: true },
    { name: SETS.advertised(family), key: [address], interval: true },
    { name: SETS.servicesRefused(family), key: [address, 'inet_proto', 'inet_service'] },
    { name: SETS.nodePorts(family), key: ['inet_proto', 'inet_service'], data: TO_SPREAD },
    { name: SETS.nodePortEndpoints(family), key: ['inet_proto', 'inet_service', 'integer'], data: endpoint },
    { name: SETS.ownNodePorts(family), key: ['inet_proto', 'inet_service'], data: TO_SPREAD },
    { name: SETS.ownNodePortEndpoints(family), key: ['inet_proto', 'inet_service', 'integer'], data: endpoint },
    { name: SETS.nodePortsRefused(family), key: ['inet_proto', 'inet_service'] },
    ...hostPortSets(family),
  ];
}

/** The sets that {@link policyOnlyChains} read besides those of the base chains. */
export function policyOnlySets(families: readonly Family[]): readonly SetSpec[] {
  const ways = ['egress', 'ingress', 'ownNode'] as const;
  return [
    { name: SETS.podInterfaces, key: ['ifname'], interval: true },
    ...families.flatMap((family) =>
      ways.map((way): SetSpec => ({
        name: SETS.shared(way, family),
        key: ['ifname', family === 4 ? 'ipv4_addr' : 'ipv6_addr'],
        data: 'verdict',
      })),
    ),
  ];
}
