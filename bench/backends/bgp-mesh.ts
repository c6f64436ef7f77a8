import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ip } from '../../src/base/ip/index.ts';
import { openBird } from '../../src/host/bird/bird.ts';
import type { Bird } from '../../src/host/bird/port.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import { createNetns } from '../../src/host/netns/netns.ts';
import { enterPrivateNetwork } from '../../src/host/netns/testing.ts';
import { MESH, addressOf, birdConfigOf, meshOf } from './bgp-cluster.ts';

/** What `bgp-mesh.ts` prints, as JSON. */
export interface MeshReport {
  /** Routes that kernels lack when nothing changes any more. */
  readonly missing: number;
  readonly convergedMs: number;
  readonly newBlockMs: number;
  readonly residentMiB: number;
}

/** `rtm_protocol` of BIRD's routes. */
const BIRD_ROUTES = 12;
/** How long the mesh may take, milliseconds. */
const PATIENCE = 120_000;

interface Node {
  readonly netns: string;
  readonly folder: string;
  readonly bird: Bird;
}

process.stdout.write(JSON.stringify(await measure()));

async function measure(): Promise<MeshReport> {
  const directory = enterPrivateNetwork();
  if (directory === undefined) throw new Error('namespaces are not allowed here: run the benchmark as root');
  const folder = mkdtempSync(join(tmpdir(), 'bgp-mesh-'));
  const nodes = makeNodes(directory, folder);
  try {
    return await converge(nodes);
  } finally {
    await Promise.all(nodes.map(({ bird }) => bird.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeNodes(directory: string, folder: string): readonly Node[] {
  using netlink = openNetlink();
  netlink.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'segment', up: true } }]);
  return Array.from({ length: MESH.nodes }, (_, index) => {
    const netns = join(directory, `n${index}`);
    createNetns(netns);
    const peer = { name: 'eth0', mac: macOf(index), netns };
    netlink.apply([{ kind: 'add-link', link: { type: 'veth', name: `n${index}`, master: 'segment', up: true, peer } }]);
    using inside = openNetlink({ netns });
    inside.apply([
      { kind: 'set-link', link: 'lo', up: true },
      { kind: 'set-link', link: 'eth0', up: true },
      { kind: 'add-address', address: { link: 'eth0', address: addressOf(index) } },
      // All namespaces share one table of neighbours, which is too small for what they would learn by asking.
      ...Array.from({ length: MESH.nodes }, (__, other) => ({
        link: 'eth0',
        ip: addressOf(other).ip,
        mac: macOf(other),
      }))
        .filter(({ mac }) => mac !== macOf(index))
        .map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
    ]);
    const own = join(folder, `n${index}`);
    const bird = openBird({ folder: own, command: ['nsenter', `--net=${netns}`, '/usr/sbin/bird'] });
    return { netns, folder: own, bird };
  });
}

function macOf(index: number): string {
  return `02:00:00:00:00:${(index + 1).toString(16).padStart(2, '0')}`;
}

async function converge(nodes: readonly Node[]): Promise<MeshReport> {
  const mesh = meshOf(MESH.nodes, MESH.blocks);
  const began = performance.now();
  for (const [index, { bird }] of nodes.entries())
    await bird.configure(birdConfigOf(mesh, index).replace(/^log .*$/m, ''));
  const foreign = MESH.blocks - MESH.blocks / MESH.nodes;
  const missing = await untilAll(nodes, foreign);
  const convergedMs = performance.now() - began;
  const more = meshOf(MESH.nodes, MESH.blocks + 1);
  const again = performance.now();
  // The block is the first node's.
  await nodes[0]!.bird.configure(birdConfigOf(more, 0).replace(/^log .*$/m, ''));
  const { ip } = more.blocks.at(-1)!.cidr;
  const missed = await untilRouted(nodes.slice(1), ip);
  const newBlockMs = performance.now() - again;
  const pid = readFileSync(join(nodes[0]!.folder, 'bird.pid'), 'utf8').trim();
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { missing: missing + missed, convergedMs, newBlockMs, residentMiB: Number(kilobytes) / 1024 };
}

/** Waits until each kernel has a way to the address, which is cheaper to ask than how many routes it has. */
async function untilRouted(nodes: readonly Node[], ip: Ip): Promise<number> {
  const deadline = performance.now() + PATIENCE;
  let missing = 0;
  for (const { netns } of nodes) {
    using netlink = openNetlink({ netns });
    while (netlink.routeTo(ip) === undefined && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    if (netlink.routeTo(ip) === undefined) missing += 1;
  }
  return missing;
}

/** Waits until each kernel has that many routes of BIRD's; returns how many are missing when patience is over. */
async function untilAll(nodes: readonly Node[], wanted: number): Promise<number> {
  const deadline = performance.now() + PATIENCE;
  let missing = 0;
  for (const { netns } of nodes) {
    using netlink = openNetlink({ netns });
    const lacks = (): number => wanted - netlink.routes({ protocol: BIRD_ROUTES }).length;
    while (lacks() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    missing += Math.max(0, lacks());
  }
  return missing;
}
