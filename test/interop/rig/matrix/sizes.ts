import { expect } from 'vitest';
import { eventually } from '../../../../src/app/agent/cluster.test-support.ts';
import type { TestPod } from '../../../../src/app/agent/cluster.test-support.ts';
import type { Family } from '../../../../src/base/ip/index.ts';
import { PATIENCE } from './world.ts';
import type { World } from './world.ts';

/** More than any link between nodes carries, bytes. */
const LARGE = 2000;

/** A packet of `size` bytes, all headers counted, in one piece or not at all: the exit code and what ping printed. */
function pingWhole({ cluster }: World, { netns }: TestPod, address: string, size: number) {
  const headers = address.includes(':') ? 48 : 28;
  return cluster.run(netns, ['ping', '-n', '-c', '1', '-W', '0.5', '-M', 'do', '-s', String(size - headers), address]);
}

/** Packets of so many bytes come through whole, and whoever sends larger ones hears the number. */
export async function expectMtu(world: World, to: TestPod, mtu: (family: Family) => number): Promise<void> {
  await Promise.all(world.shape.families.map((family) => expectMtuOf(world, world.addressOf(to, family), mtu(family))));
}

async function expectMtuOf(world: World, address: string, mtu: number): Promise<void> {
  const refusal = new RegExp(`mtu ?[=:] ?${mtu}\\b`, 'iu');
  let printed = '';
  const send = async (size: number): Promise<number> => {
    const { code, output } = await pingWhole(world, world.first, address, size);
    printed = output;
    return code;
  };
  const steps = {
    'comes through': async () => (await send(mtu)) === 0,
    'is the largest': async () => (await send(mtu + 1)) === 1 && refusal.test(printed),
  };
  for (const [what, test] of Object.entries(steps))
    await eventually(test, PATIENCE).catch((cause: unknown) => {
      throw new Error(`not so: a packet of ${mtu} bytes to ${address} ${what}: ${printed}`, { cause });
    });
}

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link_index: number;
  readonly mtu: number;
}

async function linksOf({ cluster }: World, netns: string): Promise<readonly Link[]> {
  return JSON.parse((await cluster.run(netns, ['ip', '-j', 'link', 'show'])).output) as Link[];
}

/** MTU of the pod's interface, bytes. */
export async function mtuOf(world: World, { netns }: TestPod): Promise<number> {
  return (await linksOf(world, netns)).find(({ ifname }) => ifname === 'eth0')!.mtu;
}

/**
 * Makes the pod, from now on, send packets that are too large for every way from node to node, as a program would that
 * learnt its MTU on another network: it is the node then that refuses them.
 */
export async function enlarge(world: World, pod: TestPod): Promise<void> {
  const { cluster } = world;
  const node = cluster.nodes.get(pod.node)!.netns;
  const { ifindex } = (await linksOf(world, pod.netns)).find(({ ifname }) => ifname === 'eth0')!;
  const links = await linksOf(world, node);
  const outer = links.find(({ link_index, ifname }) => link_index === ifindex && ifname.startsWith('slc'))!;
  for (const [netns, name] of [
    [node, outer.ifname],
    [pod.netns, 'eth0'],
  ] as const)
    expect(await cluster.run(netns, ['ip', 'link', 'set', name, 'mtu', String(LARGE)])).toEqual({
      code: 0,
      output: '',
    });
}

const COUNT_FRAGMENTS = [
  'add table inet pieces',
  'add counter inet pieces seen',
  'add chain inet pieces c { type filter hook prerouting priority -500; }',
  'add rule inet pieces c ip frag-off & 0x3fff != 0 counter name seen',
  'add rule inet pieces c exthdr frag exists counter name seen',
].join('; ');

/** Does `send`, and fails when anything came to a node in pieces meanwhile. */
export async function expectWhole({ cluster }: World, send: () => Promise<void>): Promise<void> {
  const nodes = [...cluster.nodes.values()].map(({ netns }) => netns);
  for (const netns of nodes) expect((await cluster.run(netns, ['nft', COUNT_FRAGMENTS])).output).toBe('');
  await send();
  for (const netns of nodes) {
    expect((await cluster.run(netns, ['nft', 'list counter inet pieces seen'])).output).toContain('packets 0 bytes 0');
    await cluster.run(netns, ['nft', 'delete table inet pieces']);
  }
}

/** Moves this many bytes over TCP in each family, as iperf3 does. */
export async function expectBulk({ cluster, first }: World, to: TestPod, bytes: number): Promise<void> {
  const server = cluster.start(to.netns, ['iperf3', '-s']);
  for (const address of to.ips)
    await eventually(async () => {
      const { code, output } = await cluster.run(first.netns, ['iperf3', '-J', '-n', String(bytes), '-c', address]);
      if (code !== 0) return false;
      const { end } = JSON.parse(output) as { end: { sum_received?: { bytes: number } } };
      // What is still on its way when the last byte is sent is not counted.
      return (end.sum_received?.bytes ?? 0) >= bytes / 10;
    }, PATIENCE);
  server.kill();
}
