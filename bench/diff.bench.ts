import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clusterState } from '../src/core/policy/index.ts';
import { diff, reach } from '../src/core/reach/index.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { changedPolicy, generateCluster } from './reach-cluster.ts';

const NAMESPACES = 500;
const RUNS = 5;

/** In a process of its own; both states are read anew for every measurement, so that nothing is shared between runs. */
export const bench: Bench = {
  name: 'diff',
  about: `what one changed policy opens and closes among ${20 * NAMESPACES} pods and ${6 * NAMESPACES} policies`,
  async run() {
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url)]);
    return JSON.parse(stdout) as Figure[];
  },
};

if (import.meta.main) console.log(JSON.stringify(measure()));

function measure(): Figure[] {
  const cases = [
    { what: 'one port more in one namespace', change: (name: string) => name === 'api' },
    { what: 'a default deny that denies no more', change: (name: string) => name === 'default-deny' },
  ] as const;
  return cases.flatMap(({ what, change }) => {
    const times = Array.from({ length: RUNS }, (_, run) => measureOnce(run, change, what.startsWith('a default')));
    return [
      { figure: `${what}: first run`, value: times[0]!.milliseconds, unit: 'ms', bar: { atMost: 300 } },
      { figure: `${what}: first run, of it at work`, value: times[0]!.working, unit: 'ms' },
      { figure: `${what}: median`, value: median(times.map((each) => each.milliseconds)), unit: 'ms' },
      { figure: `${what}: changes found`, value: times[0]!.changes, unit: '' },
    ];
  });
}

/** Loading is reading the objects into states and building the groups; what is timed is the comparison. */
function measureOnce(run: number, isChanged: (name: string) => boolean, opens: boolean) {
  const objects = generateCluster(NAMESPACES);
  const other = generateCluster(NAMESPACES);
  const at = other.networkPolicies.findIndex(({ metadata }) => {
    return metadata!.namespace === `ns-${10 * run + 7}` && isChanged(metadata!.name!);
  });
  const policy = other.networkPolicies[at]!;
  other.networkPolicies[at] = opens
    ? { ...policy, spec: { podSelector: {}, ingress: [{}], egress: [{}] } }
    : changedPolicy(policy);
  const [before, after] = [reach(clusterState(objects)), reach(clusterState(other))];
  const start = performance.now();
  const cpu = process.threadCpuUsage();
  const { opened, closed } = diff(before, after);
  const used = process.threadCpuUsage(cpu);
  const working = (used.user + used.system) / 1000;
  return { milliseconds: performance.now() - start, working, changes: opened.length + closed.length };
}
