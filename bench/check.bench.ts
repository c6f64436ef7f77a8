import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { generateCluster } from './reach-cluster.ts';
import type { GeneratedCluster } from './reach-cluster.ts';

const SLUICE = resolve(import.meta.dirname, '../sluice');
/** What the first call does by itself; only sources that were changed in the last minutes run as they are. */
const BUILD = resolve(import.meta.dirname, '../scripts/build-cli.ts');
const FILES = 20;
const RUNS = 11;
const QUESTIONS = 200_000;

/** Whole processes, from the launcher to the answer. */
export const bench: Bench = {
  name: 'check',
  about: `sluice check on ${FILES} files, and a batch of ${QUESTIONS} questions`,
  run(note) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-check-'));
    try {
      const cluster = generateCluster(4);
      writeFiles(cluster, folder);
      const [from, to] = cluster.pods.map(({ metadata }) => `${metadata!.namespace}/${metadata!.name}`).slice(-2);
      const ask = ['check', '-f', folder, from!, to!, '--port', '8080'];
      note('the bundle of the command line, and one run to fill the compile cache');
      spawnSync(process.execPath, [BUILD], { stdio: 'inherit' });
      run(ask);
      const walls = Array.from({ length: RUNS }, () => run(ask));
      const batch = join(folder, 'questions.jsonl');
      writeFileSync(batch, questions(cluster));
      const seconds = (run(['check', '-f', folder, '--batch', batch]) - median(walls)) / 1000;
      const figures: Figure[] = [
        { figure: `wall time of one question, ${FILES} files`, value: median(walls), unit: 'ms', bar: { atMost: 150 } },
        { figure: 'the quickest run', value: Math.min(...walls), unit: 'ms' },
        { figure: 'questions of a batch', value: QUESTIONS / seconds, unit: '/s' },
      ];
      return Promise.resolve(figures);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Milliseconds of wall time; throws when there was no answer. */
function run(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(SLUICE, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0 && status !== 1) throw new Error(`sluice ${args.join(' ')} exited with ${status}: ${stderr}`);
  return performance.now() - start;
}

function writeFiles({ namespaces, nodes, pods, networkPolicies }: GeneratedCluster, folder: string): void {
  const objects = [
    ...namespaces.map((each) => ({ apiVersion: 'v1', kind: 'Namespace', ...each })),
    ...nodes.map((each) => ({ apiVersion: 'v1', kind: 'Node', ...each })),
    ...pods.map((each) => ({ apiVersion: 'v1', kind: 'Pod', ...each })),
    ...networkPolicies,
  ];
  for (let file = 0; file < FILES; file++) {
    const own = objects.filter((_, index) => index % FILES === file);
    writeFileSync(join(folder, `${file}.yaml`), own.map((each) => stringify(each)).join('---\n'));
  }
}

function questions({ pods }: GeneratedCluster): string {
  const names = pods.map(({ metadata }) => `${metadata!.namespace}/${metadata!.name}`);
  return Array.from({ length: QUESTIONS }, (_, i) => {
    const [from, to] = [names[(i * 31) % names.length], names[(i * 17 + 5) % names.length]];
    return JSON.stringify({ from, to, port: [80, 8080, 5432][i % 3], protocol: 'TCP' });
  }).join('\n');
}
