import { formatIp } from '../../src/base/ip/index.ts';
import { createAllocator } from '../../src/core/ipam/index.ts';
import { BACKENDS } from './backends.ts';

/**
 * One node of the race, as a process of its own: `node.ts BACKEND ADDRESS NODE COUNT WIDTH KEEP`. Takes COUNT addresses,
 * WIDTH of them at any time, never holding more than KEEP, and gives all back. It prints `ready` when it has loaded,
 * begins when a line comes on stdin, and prints what it measured as one line of JSON.
 */
const [backend = '', address = '', node = '', count = '', width = '', keep = ''] = process.argv.slice(2);
using store = await BACKENDS[backend]!.open(address);
const allocator = createAllocator(
  { node, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 16 },
  { store, now: Date.now, report: (message, error) => console.error(node, message, error) },
);
await allocator.load();
await allocator.ensureBlocks([4]);
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));

const addTimes: number[] = [];
const addresses: string[] = [];
const held: string[] = [];
let [next, borrowed] = [0, 0];
const began = Date.now();
await Promise.all(Array.from({ length: Number(width) }, lane));
await Promise.all(Array.from({ length: Number(width) }, drain));
const ended = Date.now();
process.stdout.write(`${JSON.stringify({ began, ended, addTimes, borrowed, addresses })}\n`);
process.stdin.destroy();

/** What one of the node's pods after the other does. */
async function lane(): Promise<void> {
  while (next < Number(count)) {
    const handle = `bench.${node}-${next++}`;
    const from = performance.now();
    const attributes = { namespace: 'default', pod: handle };
    const { addresses: given } = await allocator.allocate({ handle, families: [4], attributes });
    addTimes.push(performance.now() - from);
    held.push(handle);
    if (given[0]!.borrowed) borrowed++;
    addresses.push(formatIp(given[0]!.ip));
    if (held.length > Number(keep)) await allocator.release([held.shift()!]);
  }
}

async function drain(): Promise<void> {
  for (let handle = held.shift(); handle !== undefined; handle = held.shift()) await allocator.release([handle]);
}
