import type { Family } from '../../base/ip/index.ts';
import { addressKey, hostKey, portKey, protoKey } from './key.ts';
import { IPPROTO } from './model.ts';
import type { Chain, ElementData, ElementKey, Operand, Rule, SetSpec } from './model.ts';
import { SETS } from './names.ts';
import { CT_MARK, destination, isFamily, notInSet, source, verdict } from './statements.ts';

/** How a group of frontends spreads its connections; all that share it share one chain. */
export interface Spread {
  readonly family: Family;
  /** Chains of Services' addresses find the backend by address, protocol and port, those of NodePorts without the address. */
  readonly kind: 'service' | 'outside-service' | 'node-port' | 'own-node-port';
  /** Number of backends. */
  readonly backends: number;
  /** For how long a client comes to the same backend. */
  readonly affinitySeconds?: number | undefined;
  readonly anyNode: boolean;
  /** Only sources that the Service names may use it. */
  readonly guarded?: boolean;
}

/** The map from the frontends of a kind to their spreads. */
export const FRONTENDS = {
  service: SETS.services,
  'outside-service': SETS.outsideServices,
  'node-port': SETS.nodePorts,
  'own-node-port': SETS.ownNodePorts,
} as const;

const BACKENDS = {
  service: SETS.serviceEndpoints,
  'outside-service': SETS.outsideServiceEndpoints,
  'node-port': SETS.nodePortEndpoints,
  'own-node-port': SETS.ownNodePortEndpoints,
} as const;

/** The map from frontends and a number to a backend. Clients from elsewhere who may be led to any node share that of own clients. */
export function backendsOf({ family, kind, anyNode }: Pick<Spread, 'family' | 'kind' | 'anyNode'>): string {
  return BACKENDS[sharesBackends({ kind, anyNode }) ? 'service' : kind](family);
}

/** Whether the backends are those that own clients have, too. */
export function sharesBackends({ kind, anyNode }: Pick<Spread, 'kind' | 'anyNode'>): boolean {
  return kind === 'outside-service' && anyNode;
}

/** How many clients a map of affinity holds: further ones are spread without. The kernel makes room for all at once. */
const CLIENTS = 65_535;

/** What affinity chooses from: the backends of a kind of frontend, each behind {@link AHEAD}. */
export function affinityChoices({ family, kind }: Pick<Spread, 'family' | 'kind'>): SetSpec {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const front = hasAddress(kind) ? ([address] as const) : [];
  return {
    name: SETS.affinityChoices(kind, family),
    key: [...front, 'inet_proto', 'inet_service', 'integer'],
    data: ['mark', address, 'inet_service'],
  };
}

/** The number before what rules take out of a map and put elsewhere; it means nothing. */
export const AHEAD: ElementData = hostKey(0);

/** The map that remembers where clients of a kind of frontend came to: key of the frontend and client → backend. */
export function affinityMap({ family, kind }: Pick<Spread, 'family' | 'kind'>): SetSpec {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const front = hasAddress(kind) ? ([address] as const) : [];
  return {
    name: SETS.affinity(kind, family),
    key: [...front, 'inet_proto', 'inet_service', address],
    data: [address, 'inet_service'],
    dynamic: true,
    size: CLIENTS,
  };
}

function hasAddress(kind: Spread['kind']): boolean {
  return kind === 'service' || kind === 'outside-service';
}

/** The name of the chain for a spread. */
export function spreadChainName({ family, kind, backends, affinitySeconds, anyNode, guarded }: Spread): string {
  const traits = [
    affinitySeconds === undefined ? '' : `-sticky${affinitySeconds}`,
    anyNode ? '-any' : '',
    guarded === true ? '-guarded' : '',
  ];
  return `${kind}${family}-${backends}${traits.join('')}`;
}

/** The longest time that a Service may ask for (core/v1 MaxClientIPServiceAffinitySeconds). */
const MAX_SECONDS = 86_400;
/** A Service's endpoints past this number get no connection: what stands for its spread has 32 bits. */
export const MAX_BACKENDS = 12_000;

/**
 * What stands for the spread in the map of its kind of frontends: different for different chains.
 */
export function spreadKey({ backends, affinitySeconds = 0, anyNode, guarded }: Spread): ElementKey {
  const seconds = Math.min(affinitySeconds, MAX_SECONDS);
  const traits = Number(anyNode) * 2 + Number(guarded === true);
  return hostKey((backends * (MAX_SECONDS + 1) + seconds) * 4 + traits);
}

/**
 * The chain that picks one of N backends. The backends themselves are elements of one map for all Services, so that a
 * Service costs elements only, and chains are as many as there are different numbers of backends.
 */
export function spreadChain(spread: Spread): Chain {
  const { family, kind, backends, affinitySeconds, anyNode, guarded } = spread;
  const front: readonly Operand[] = hasAddress(kind)
    ? [destination(family), 'meta l4proto', 'th dport']
    : ['meta l4proto', 'th dport'];
  const choice: readonly Operand[] = [...front, { kind: 'numgen', mod: backends }];
  const mark = { kind: 'set-mark', target: 'ct mark', mask: CT_MARK.NODE_PORT, value: CT_MARK.NODE_PORT } as const;
  return {
    name: spreadChainName(spread),
    rules: [
      ...(guarded === true
        ? [[isFamily(family), notInSet([...front, source(family)], SETS.serviceSources(family)), verdict('drop')]]
        : []),
      ...(anyNode ? [[isFamily(family), mark]] : []),
      ...(affinitySeconds === undefined ? [] : rememberedRules(spread, front, choice, affinitySeconds)),
      [isFamily(family), { kind: 'dnat-map', family, key: choice, map: backendsOf(spread) }],
    ],
  };
}

/** What is remembered of the client, from now on if nothing was; only where there is no room for it these rules end. */
function rememberedRules(
  spread: Spread,
  front: readonly Operand[],
  choice: readonly Operand[],
  seconds: number,
): readonly Rule[] {
  const { family } = spread;
  const [map, key] = [affinityMap(spread).name, [...front, source(family)]];
  return [
    [isFamily(family), { kind: 'remember', map, key, seconds, from: affinityChoices(spread).name, choice, family }],
    [isFamily(family), { kind: 'dnat-map', family, key, map }],
  ];
}

/** The key of a frontend in the services and node-ports maps. */
export function frontendKey(frontend: {
  readonly address?: { readonly family: Family; readonly value: bigint };
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}): ElementKey {
  const address = frontend.address === undefined ? '' : addressKey(frontend.address);
  return address + protoKey(IPPROTO[frontend.protocol]) + portKey(frontend.port);
}

/** The key of a frontend's n-th backend. */
export function backendKey(frontend: ElementKey, n: number): ElementKey {
  return frontend + hostKey(n);
}

/** A backend as the data of an element. */
export function backendData(address: { readonly family: Family; readonly value: bigint }, port: number): ElementData {
  return addressKey(address) + portKey(port);
}
