import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { meetsBar } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

const here = import.meta.dirname;
process.exitCode = await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<number> {
  const known = readdirSync(here)
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => file.slice(0, -'.bench.ts'.length));
  const unknown = names.filter((name) => !known.includes(name));
  if (names.length === 0 || unknown.length > 0) {
    for (const name of unknown) console.error(`bench: there is no benchmark "${name}"`);
    console.error(`usage: npm run bench -- NAME…   (${known.join(', ')})`);
    return 2;
  }
  let met = true;
  for (const name of names) met = (await runOne(name)) && met;
  return met ? 0 : 1;
}

async function runOne(name: string): Promise<boolean> {
  const { bench } = (await import(join(here, `${name}.bench.ts`))) as { bench: Bench };
  console.error(`${bench.name}: ${bench.about}`);
  const figures = await bench.run((text) => console.error(`  ${text}`));
  console.log(table(figures));
  writeResult(name, figures);
  return figures.every(meetsBar);
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.figure,
    `${round(figure.value)} ${figure.unit}`.trim(),
    figure.bar === undefined ? '' : 'atMost' in figure.bar ? `≤ ${figure.bar.atMost}` : `≥ ${figure.bar.atLeast}`,
    figure.bar === undefined ? '' : meetsBar(figure) ? 'ok' : 'MISSED',
  ]);
  const all = [['figure', 'value', 'bar', 'ok'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function round(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(2) : value.toFixed(4);
}

function writeResult(name: string, figures: readonly Figure[]): void {
  mkdirSync(join(here, 'results'), { recursive: true });
  const machine = {
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
  const result = { name, machine, figures: figures.map((figure) => ({ ...figure, ok: meetsBar(figure) })) };
  writeFileSync(join(here, 'results', `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
