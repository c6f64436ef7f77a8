import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { TestCluster, cleanHome, eventually, sluice } from '../test/e2e/harness.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

/** What `./sluice up` does before anything else. */
const BUILD = resolve(import.meta.dirname, '../scripts/build.ts');
const STARTS = 5;
const PODS = 100;

/** How long people wait: for a cluster, for pods, for the demonstration. */
export const bench: Bench = {
  name: 'up',
  about: `'sluice up' with 3 nodes, ${PODS} pods running, 'sluice demo'; wall clock, everything installed`,
  async run(note) {
    spawnSync(process.execPath, [BUILD], { stdio: 'inherit' });
    const starts: number[] = [];
    for (let i = 1; i < STARTS; i++) {
      note(`start ${i} of ${STARTS}`);
      await using started = await timed(() => TestCluster.start());
      starts.push(started.seconds);
    }
    await using last = await timed(() => TestCluster.start());
    starts.push(last.seconds);
    note(`${PODS} pods`);
    const pods = await secondsOf(() => runPods(last.value));
    note('the demonstration');
    const demo = await secondsOf(runDemo);
    return [
      seconds('3 nodes ready, median', median(starts), 5),
      seconds('3 nodes ready, slowest', Math.max(...starts)),
      seconds(`${PODS} pods running`, pods, 30),
      seconds('demo', demo, 30),
    ];
  },
};

function seconds(figure: string, value: number, atMost?: number): Figure {
  return { figure, value, unit: 's', ...(atMost === undefined ? {} : { bar: { atMost } }) };
}

async function runPods(cluster: TestCluster): Promise<void> {
  await cluster.ok(`create deployment web --image=nginx --replicas=${PODS}`);
  await eventually(async () => {
    const ready = await cluster.ok(`get deployment web -o 'jsonpath={.status.readyReplicas}'`);
    if (ready !== String(PODS)) throw new Error(`${ready || 0} of ${PODS} pods are ready`);
  }, 120_000);
}

async function runDemo(): Promise<void> {
  const home = cleanHome();
  const { code, stdout, stderr } = await sluice(['demo'], home.env);
  home.remove();
  if (code !== 0) throw new Error(`sluice demo failed (exit ${code}):\n${stdout}${stderr}`);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

/** The value and how long it took to come; disposes of it when it goes out of scope. */
async function timed<T extends AsyncDisposable>(
  make: () => Promise<T>,
): Promise<{ readonly value: T; readonly seconds: number } & AsyncDisposable> {
  const from = performance.now();
  const value = await make();
  const took = (performance.now() - from) / 1000;
  return { value, seconds: took, [Symbol.asyncDispose]: () => value[Symbol.asyncDispose]() };
}
