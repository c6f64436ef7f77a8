import type { Cidr, Ip } from '../../src/base/ip/index.ts';
import { parseCidr, parseIp } from '../../src/base/ip/index.ts';
import { bgpView, birdConfig } from '../../src/core/bgp/index.ts';
import type { BgpInput } from '../../src/core/bgp/index.ts';

/** The mesh that is measured with real BIRDs. */
export const MESH = { nodes: 50, blocks: 2000 } as const;

const UNDERLAY = parseIp('172.30.0.0')!;
const PODS = parseIp('10.128.0.0')!;

/** Address of the node of that number, with the prefix of the network that all are on. */
export function addressOf(node: number): Cidr {
  return { ip: plus(UNDERLAY, node + 1), prefix: 16 };
}

/** A cluster whose blocks are dealt out to its nodes in turn. */
export function meshOf(nodes: number, blocks: number): Omit<BgpInput, 'node'> {
  const name = (node: number): string => `node-${node}`;
  return {
    nodes: new Map(
      Array.from({ length: nodes }, (_, node) => [
        name(node),
        { name: name(node), labels: {}, addresses: [addressOf(node)] },
      ]),
    ),
    configurations: new Map(),
    peers: [],
    filters: new Map(),
    pools: [{ cidr: parseCidr('10.128.0.0/9')!, tunnelled: false, exported: true }],
    blocks: Array.from({ length: blocks }, (_, block) => ({
      cidr: { ip: plus(PODS, block * 64), prefix: 26 },
      node: name(block % nodes),
      elsewhere: [],
    })),
    services: [],
    secret: () => undefined,
  };
}

/** The configuration of the node of that number. */
export function birdConfigOf(mesh: Omit<BgpInput, 'node'>, node: number): string {
  return birdConfig(bgpView({ ...mesh, node: `node-${node}` })!);
}

function plus(ip: Ip, offset: number): Ip {
  return { family: ip.family, value: ip.value + BigInt(offset) };
}
