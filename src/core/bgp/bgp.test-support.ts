import { networkOf, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { BgpInput, BgpNode, BgpObject, BgpPeer, BgpView } from './index.ts';
import { bgpView, readConfiguration, readFilter, readPeer } from './index.ts';

/** An address that is known to be one. */
export function ip(text: string): Ip {
  return parseIp(text)!;
}

/** A block, or an address with the length of its network, that is known to be one. */
export function cidr(text: string): Cidr {
  return parseCidr(text)!;
}

/** A node with these addresses. */
export function node(name: string, addresses: readonly string[], rest: Partial<BgpNode> = {}): BgpNode {
  return { name, labels: {}, addresses: addresses.map(cidr), ...rest };
}

/** A cluster of three nodes on one network, each with a block of the only pool. */
export const THREE_NODES: readonly BgpNode[] = [
  node('a', ['172.30.1.11/24']),
  node('b', ['172.30.1.12/24']),
  node('c', ['172.30.1.13/24']),
];

/** Objects as users write them, and what of the cluster BGP depends on besides. */
export interface Scene extends Partial<Omit<BgpInput, 'nodes' | 'configurations' | 'peers' | 'filters' | 'secret'>> {
  readonly nodes?: readonly BgpNode[];
  readonly configurations?: Readonly<Record<string, unknown>>;
  readonly peers?: Readonly<Record<string, unknown>>;
  readonly filters?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What node `a` derives its configuration from, unless the scene is of another one. */
export function inputOf(scene: Scene): BgpInput {
  const { nodes = THREE_NODES, configurations = {}, peers = {}, filters = {}, secrets = {}, ...rest } = scene;
  const object = ([name, spec]: [string, unknown]): BgpObject => ({ metadata: { name }, spec });
  return {
    node: 'a',
    pools: [{ cidr: networkOf(cidr('10.244.0.0/16')), tunnelled: false, exported: true }],
    blocks: nodes.map(({ name }, index) => ({ cidr: cidr(`10.244.${index}.0/26`), node: name, elsewhere: [] })),
    services: [],
    ...rest,
    nodes: new Map(nodes.map((each) => [each.name, each])),
    configurations: new Map(
      Object.entries(configurations).map((entry) => [entry[0], readConfiguration(object(entry)).value ?? {}]),
    ),
    peers: Object.entries(peers)
      .map((entry) => readPeer(object(entry)).value)
      .filter((peer): peer is BgpPeer => peer !== undefined),
    filters: new Map(Object.entries(filters).map((entry) => [entry[0], readFilter(object(entry)).value!])),
    secret: ({ name, key }) => secrets[`${name}/${key}`],
  };
}

/** What a node of the scene is to do. */
export function viewOf(scene: Scene): BgpView {
  return bgpView(inputOf(scene))!;
}
