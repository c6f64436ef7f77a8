import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { quantile } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { BACKENDS } from './ipam/backends.ts';
import type { Backend } from './ipam/backends.ts';

const NODES = 4;
const ADDRESSES = 10_000;
/** Pods that a node wires at the same time. */
const WIDTH = 16;

/** How fast nodes that race for one pool get addresses and give them back. SLUICE_BENCH_STORE names one datastore. */
export const bench: Bench = {
  name: 'ipam',
  about: `${ADDRESSES} addresses taken and given back by ${NODES} nodes, each a process with ${WIDTH} pods at a time`,
  async run(note) {
    const only = process.env['SLUICE_BENCH_STORE'];
    const figures: Figure[] = [];
    for (const [name, backend] of Object.entries(BACKENDS)) {
      if (only !== undefined && only !== name) continue;
      note(`${backend.title}: room for all`);
      figures.push(...(await race(name, backend, ROOMY)));
      note(`${backend.title}: four nodes, one nearly full pool`);
      figures.push(...(await race(name, backend, TIGHT)));
    }
    return figures;
  },
};

/** What the nodes race for. */
interface Course {
  readonly title: string;
  readonly cidr: string;
  /** Addresses that a node holds at most. */
  readonly keep: number;
  readonly judged: boolean;
}

const ROOMY: Course = { title: '', cidr: '10.0.0.0/16', keep: ADDRESSES, judged: true };
/** Every block has an owner and all but 96 of 4096 addresses are held, so nodes borrow and meet in each other's blocks. */
const TIGHT: Course = { title: ', nearly full pool', cidr: '10.0.0.0/20', keep: 1000, judged: false };

interface Report {
  readonly began: number;
  readonly ended: number;
  readonly addTimes: readonly number[];
  readonly borrowed: number;
  readonly addresses: readonly string[];
}

async function race(name: string, backend: Backend, course: Course): Promise<readonly Figure[]> {
  await using running = await backend.start(course.cidr);
  const racers = await Promise.all(
    Array.from({ length: NODES }, (_, i) => startNode([name, running.address, `node-${i}`], course)),
  );
  for (const { child } of racers) child.stdin!.write('go\n');
  const reports = await Promise.all(racers.map(({ report }) => report()));
  const all = reports.flatMap(({ addresses }) => addresses);
  if (course.judged && new Set(all).size !== ADDRESSES) throw new Error('an address was given twice');
  const seconds = (Math.max(...reports.map(({ ended }) => ended)) - Math.min(...reports.map((r) => r.began))) / 1000;
  const times = reports.flatMap(({ addTimes }) => addTimes);
  const borrowed = reports.reduce((sum, report) => sum + report.borrowed, 0);
  const title = `${backend.title}${course.title}`;
  return [
    {
      figure: `${title}: taken and given back`,
      value: ADDRESSES / seconds,
      unit: '/s',
      ...(course.judged ? { bar: { atLeast: backend.bar } } : {}),
    },
    { figure: `${title}: an address, median`, value: quantile(times, 0.5), unit: 'ms' },
    { figure: `${title}: an address, 99 of 100`, value: quantile(times, 0.99), unit: 'ms' },
    ...(course.judged ? [] : [{ figure: `${title}: borrowed`, value: borrowed, unit: '' }]),
  ];
}

interface Racer {
  readonly child: ChildProcess;
  readonly report: () => Promise<Report>;
}

async function startNode(args: readonly string[], { keep }: Course): Promise<Racer> {
  const script = join(import.meta.dirname, 'ipam/node.ts');
  const numbers = [ADDRESSES / NODES, WIDTH, keep].map(String);
  const child = spawn(process.execPath, [script, ...args, ...numbers], { stdio: ['pipe', 'pipe', 'inherit'] });
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${args[2]} ended early (${code})`)));
  failed.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await Promise.race([lines.next(), failed])).value ?? '';
  await line();
  return { child, report: async () => JSON.parse(await line()) as Report };
}
