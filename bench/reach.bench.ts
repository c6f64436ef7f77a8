import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clusterState } from '../src/core/policy/index.ts';
import { reach } from '../src/core/reach/index.ts';
import type { Bench, Figure } from './harness.ts';
import { generateCluster } from './reach-cluster.ts';
import { growthPlot } from './reach-plot.ts';

/** What one run in a process of its own found. */
export interface Growth {
  readonly pods: number;
  readonly policies: number;
  /** From the Kubernetes objects in memory to the count of all pairs. */
  readonly seconds: number;
  /** Of that, what the one thread worked: the same on a busy machine. */
  readonly working: number;
  /** Of that, bringing the objects into the model. */
  readonly loading: number;
  /** Peak of the whole process, the objects included. */
  readonly megabytes: number;
  readonly groups: number;
  /** Ordered pairs of pods with anything allowed. */
  readonly pairs: number;
  /** Pairs of pods listed one by one in a second. */
  readonly listed: number;
}

const SIZES = [10, 20, 40, 80, 160, 320, 500, 1000, 2000, 5000];

/** Namespaces → the bars on seconds and megabytes. */
const BARS: ReadonlyMap<number, { readonly seconds: number; readonly megabytes?: number }> = new Map([
  [80, { seconds: 0.3 }],
  [500, { seconds: 2 }],
  [5000, { seconds: 20, megabytes: 2048 }],
]);

/** Every size in a fresh process, so that neither warm code nor old memory helps. */
export const bench: Bench = {
  name: 'reach',
  about: 'all pairs of pods that can talk, from Kubernetes objects in memory; 20 pods and six policies a namespace',
  async run(note) {
    const growth: Growth[] = [];
    for (const size of SIZES) {
      const result = await measureApart(size);
      note(
        `${result.pods} pods, ${result.policies} policies: ${result.seconds.toFixed(3)} s, ${result.megabytes.toFixed(0)} MB`,
      );
      growth.push(result);
    }
    const folder = join(import.meta.dirname, 'results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'reach.svg'), growthPlot(growth));
    return growth.flatMap(figuresOf);
  },
};

function figuresOf(growth: Growth): Figure[] {
  const { pods, policies, seconds, working, loading, megabytes, groups, pairs, listed } = growth;
  const bar = BARS.get(policies / 6);
  const what = `${pods} pods, ${policies} policies`;
  const time: Figure = { figure: `${what}: all pairs`, value: seconds, unit: 's' };
  if (bar === undefined) return [time];
  return [
    { ...time, bar: { atMost: bar.seconds } },
    { figure: `${what}: of it at work`, value: working, unit: 's' },
    { figure: `${what}: of it loading`, value: loading, unit: 's' },
    {
      figure: `${what}: memory`,
      value: megabytes,
      unit: 'MB',
      ...(bar.megabytes === undefined ? {} : { bar: { atMost: bar.megabytes } }),
    },
    { figure: `${what}: groups`, value: groups, unit: '' },
    { figure: `${what}: pairs that connect`, value: pairs, unit: '' },
    { figure: `${what}: pairs listed per second`, value: listed, unit: '/s' },
  ];
}

async function measureApart(size: number): Promise<Growth> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), String(size)]);
  return JSON.parse(stdout) as Growth;
}

if (import.meta.main) console.log(JSON.stringify(measure(Number(process.argv[2]))));

function measure(size: number): Growth {
  const objects = generateCluster(size);
  const start = performance.now();
  const before = process.threadCpuUsage();
  const state = clusterState(objects);
  const loaded = performance.now();
  const reachability = reach(state);
  const pairs = reachability.countPodPairs();
  const counted = performance.now();
  const used = process.threadCpuUsage(before);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  return {
    pods: objects.pods.length,
    policies: objects.networkPolicies.length,
    seconds: (counted - start) / 1000,
    working: (used.user + used.system) / 1e6,
    loading: (loaded - start) / 1000,
    megabytes,
    groups: reachability.groups.length,
    pairs,
    listed: listingRate(reachability.pairs()),
  };
}

/** Lists the first million. */
function listingRate(pairs: Iterable<unknown>): number {
  const start = performance.now();
  let count = 0;
  for (const _ of pairs) if (++count >= 1_000_000) break;
  return count / ((performance.now() - start) / 1000);
}
