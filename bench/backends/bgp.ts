import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figure } from '../harness.ts';
import { median } from '../harness.ts';
import { MESH, birdConfigOf, meshOf } from './bgp-cluster.ts';
import type { MeshReport } from './bgp-mesh.ts';

const RUNS = 21;
/** The nodes of a large cluster; each has two blocks. */
const MANY = 1000;

/** How long it takes to derive a node's configuration, and real BIRDs in a mesh to know everything. */
export async function bgp(note: (text: string) => void): Promise<readonly Figure[]> {
  const { nodes, blocks } = MESH;
  const figures: Figure[] = [
    {
      figure: `bgp: configuration of a node, mesh of ${nodes}, ${blocks} blocks`,
      value: renderTime(nodes, blocks),
      unit: 'ms',
      bar: { atMost: 50 },
    },
    {
      figure: `bgp: configuration of a node, mesh of ${MANY}, ${2 * MANY} blocks`,
      value: renderTime(MANY, 2 * MANY),
      unit: 'ms',
    },
  ];
  note(`${nodes} BIRDs in namespaces, a session between any two`);
  // A process of its own, since entering namespaces cannot be undone.
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'bgp-mesh.ts')]);
  const report = JSON.parse(stdout) as MeshReport;
  return [
    ...figures,
    { figure: 'bgp: routes that some kernel lacks in the end', value: report.missing, unit: '', bar: { atMost: 0 } },
    { figure: `bgp: from nothing to ${blocks} blocks in every kernel`, value: report.convergedMs / 1000, unit: 's' },
    { figure: 'bgp: a new block, from its node to all kernels', value: report.newBlockMs, unit: 'ms' },
    { figure: 'bgp: memory of one BIRD', value: report.residentMiB, unit: 'MiB' },
  ];
}

function renderTime(nodes: number, blocks: number): number {
  const input = meshOf(nodes, blocks);
  const times = Array.from({ length: RUNS }, () => {
    const began = performance.now();
    birdConfigOf(input, 0);
    return performance.now() - began;
  });
  return median(times);
}
