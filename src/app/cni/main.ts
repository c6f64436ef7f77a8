import { readFileSync, writeSync } from 'node:fs';
import { askAgent } from './ask-agent.ts';
import { runPlugin } from './plugin.ts';
import { runIpam } from './run-ipam.ts';
import { leaveTombstone } from './tombstone.ts';

/** The CNI plugin: environment and stdin in, one JSON object on stdout out. Every import costs each pod start-up time. */
async function main(): Promise<void> {
  const outcome = await runPlugin(process.env, () => readFileSync(0, 'utf8'), { askAgent, leaveTombstone, runIpam });
  writeAll(outcome.stdout);
  process.exit(outcome.exitCode);
}

/** A pipe takes 64 KiB at once; a result is smaller, but nothing promises it. */
function writeAll(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}

void main();
