import { sha256 } from '../../base/sha256.ts';
import type { Family } from '../../base/ip/index.ts';

/** The kernel's limit is 255 bytes; long names keep their head and gain a digest. */
const NAME_LIMIT = 200;

/** Sets and maps that exist whatever the cluster holds, per address family. */
export const SETS = {
  /** `ifname . address`: what may come out of a pod's interface. */
  source: (family: Family) => `source${family}`,
  /** `address . address` of each local pod with itself. */
  self: (family: Family) => `self${family}`,
  /** Every pool. */
  pools: (family: Family) => `pools${family}`,
  /** Pools whose traffic out of the cluster takes the node's address. */
  natPools: (family: Family) => `nat-pools${family}`,
  /** Addresses of all nodes, in the overlay too. */
  nodes: (family: Family) => `nodes${family}`,
  /** Interface of the source pod → its chain of egress policies. */
  egress: 'egress-pods',
  /** Interface of the destination pod → its chain of ingress policies. */
  ingress: 'ingress-pods',
  /** Interface of a pod → its chain of policies about its own node; those without any are missing. */
  ownNode: 'own-node-pods',
  /** Names and prefixes of interfaces behind which there are pods; only where another network wires them. */
  podInterfaces: 'pod-interfaces',
  /** As `egress`, `ingress` and `ownNode`, by `ifname . address`: for interfaces that several pods share. */
  shared: (way: 'egress' | 'ingress' | 'ownNode', family: Family) =>
    `${way === 'ownNode' ? 'own-node' : way}-shared${family}`,
  /** Hardware address of a peer's packets → the chain that remembers the peer. */
  peers: 'peers',
  /** Source of a peer's IP-in-IP packets → the chain that marks what is inside as the peer's. */
  outerPeers: 'outer-peers',
  /** Next hops that are peers: they know this node by the hardware address of what it sends them. */
  directPeers: (family: Family) => `direct-peers${family}`,
  /** What a frontend asks of load balancing → the chain that does it. */
  spreads: (kind: string, family: Family) => `${kind}-spreads${family}`,
  /** `address . protocol . port` → what it asks of load balancing. */
  services: (family: Family) => `services${family}`,
  /** `address . protocol . port . n` → the n-th endpoint. */
  serviceEndpoints: (family: Family) => `service-endpoints${family}`,
  /** As `services`, for what comes from elsewhere than this node and its pods. */
  outsideServices: (family: Family) => `outside-services${family}`,
  /** As `serviceEndpoints`, where what comes from elsewhere stays on this node. */
  outsideServiceEndpoints: (family: Family) => `outside-service-endpoints${family}`,
  /** Frontend of the kind, then client → the endpoint that it came to; only while some Service asks for it. */
  affinity: (kind: string, family: Family) => `${kind}-affinity${family}`,
  /** As the endpoints of the kind, with a number before each; only while some Service asks for affinity. */
  affinityChoices: (kind: string, family: Family) => `${kind}-affinity-choices${family}`,
  /** `address . protocol . port . source` that may use a Service that names its sources. */
  serviceSources: (family: Family) => `service-sources${family}`,
  /** What the world outside is told that this node leads to Services. */
  advertised: (family: Family) => `advertised${family}`,
  /** `address . protocol . port` that IPVS leads to endpoints; only where it does. */
  balanced: (family: Family) => `balanced${family}`,
  /** `address . protocol . port` without any endpoint for somebody: whatever still goes there untranslated is refused. */
  servicesRefused: (family: Family) => `services-refused${family}`,
  /** ClusterIPs: whatever still goes there untranslated is refused. */
  clusterIps: (family: Family) => `cluster-ips${family}`,
  /** `protocol . port` → what it asks of load balancing. */
  nodePorts: (family: Family) => `node-ports${family}`,
  /** `protocol . port . n` → the n-th endpoint. */
  nodePortEndpoints: (family: Family) => `node-port-endpoints${family}`,
  /** `protocol . port` → what it asks of load balancing, for connections of this node and its pods to any node. */
  ownNodePorts: (family: Family) => `own-node-ports${family}`,
  /** `protocol . port . n` → the n-th endpoint, for the same. */
  ownNodePortEndpoints: (family: Family) => `own-node-port-endpoints${family}`,
  /** `address . protocol . port` that the cluster's DNS answers from; only while policies speak of domain names. */
  dnsServers: (family: Family) => `dns-servers${family}`,
  /** `protocol . port` without any endpoint. */
  nodePortsRefused: (family: Family) => `node-ports-refused${family}`,
  /** `protocol . port` of any address of this node → address and port of a pod of its own. */
  hostPorts: (family: Family) => `host-ports${family}`,
  /** `address . protocol . port` → the same, for pods that ask for one address of the node. */
  hostPortsAt: (family: Family) => `host-ports-at${family}`,
} as const;

/** Base chains that exist only while something needs them. */
export const CHAINS = {
  /** What comes from elsewhere than pods, before connection tracking. */
  rawElsewhere: 'raw-elsewhere',
  rawOutput: 'raw-output',
  /** Policy of pods about their own node. */
  ownNode: 'own-node',
  /** What becomes of it when policy has allowed it. */
  endpointToHost: 'endpoint-to-host',
  /** What IPVS leads to pods and away, which never passes the forward hook. */
  balancedInput: 'balanced-input',
  balancedEgress: 'balanced-egress',
  balancedRest: 'balanced-rest',
  hostBalanced: 'host-balanced',
  /** Host endpoints of this node, phase by phase. */
  hostRawIn: 'host-raw-in',
  hostRawOut: 'host-raw-out',
  hostPreDnat: 'host-pre-dnat',
  hostInput: 'host-input',
  hostOutput: 'host-output',
  hostForward: 'host-forward',
  /** Answers of the cluster's DNS, on their way to local pods. */
  dnsAnswers: 'dns-answers',
} as const;

/** A name made from arbitrary text, equal for equal text; 80 bits of SHA-256. */
export function digest(text: string): string {
  return sha256(text).slice(0, 20);
}

/** A chain name that people can read: `in/NetworkPolicy/default/web`. */
export function policyChainName(
  direction: 'ingress' | 'egress',
  policyKey: string,
  phase: 'raw' | 'pre-dnat' | 'filter' = 'filter',
): string {
  const prefix = phase === 'filter' ? '' : `${phase}-`;
  return readableName(`${prefix}${direction === 'ingress' ? 'in' : 'out'}/${policyKey}`);
}

/** The chain of a host endpoint's profiles, which ends in a drop. */
export function profilesChainName(direction: 'ingress' | 'egress', host: string): string {
  return readableName(`profiles-${direction === 'ingress' ? 'in' : 'out'}/${host}`);
}

/** The chain that remembers that a connection came through the node. */
export function peerChainName(node: string): string {
  return readableName(`through/${node}`);
}

/** The chain that marks a packet as wrapped by the node. */
export function outerPeerChainName(node: string): string {
  return readableName(`wrapped-by/${node}`);
}

function readableName(name: string): string {
  const legal = /^[A-Za-z0-9/._-]+$/.test(name);
  return legal && name.length <= NAME_LIMIT
    ? name
    : `${name.slice(0, 100).replaceAll(/[^A-Za-z0-9/._-]/g, '_')}-${digest(name)}`;
}
