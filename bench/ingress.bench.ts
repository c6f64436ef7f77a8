import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { deriveIngress, renderIngress, runtimeChanges } from '../src/core/ingress/index.ts';
import type { Rendered } from '../src/core/ingress/index.ts';
import { openNetlink } from '../src/host/netlink/kernel.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { compareSpeed } from './ingress/compare-speed.ts';
import { loseRequests } from './ingress/lost-requests.ts';
import { manyIngresses, withChange } from './ingress/many-ingresses.ts';

/** What the issue of Ingress promises. */
const COURSE = { requests: 100_000, endpointChanges: 200, renewals: 20 };
const SPEED = 0.97;
const INGRESSES = 1000;
const CHANGES = 25;

/** Everything happens in a network of its own. */
export const bench: Bench = {
  name: 'ingress',
  about:
    'requests that changes lose, speed beside HAProxy with a configuration written by hand, and the cost of a change',
  async run(note) {
    const { requests, endpointChanges, renewals } = COURSE;
    note(
      `${requests} requests, ${endpointChanges} changes of servers, ${renewals} renewals; then rounds of both configurations, by turns`,
    );
    const script = ['--net', process.execPath, fileURLToPath(import.meta.url), 'measure'];
    const { stdout } = await promisify(execFile)('unshare', script, { maxBuffer: 2 ** 24 });
    return JSON.parse(stdout) as Figure[];
  },
};

if (process.argv[2] === 'measure' && import.meta.main) console.log(JSON.stringify(await measure()));

async function measure(): Promise<Figure[]> {
  using netlink = openNetlink();
  netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
  const { lost, reasons } = await loseRequests(COURSE);
  for (const reason of reasons) console.error(`  lost: ${reason}`);
  const { ours, byHand, ratio, control } = await compareSpeed();
  const unit = 'requests per second of processor time';
  return [
    { figure: `lost of ${COURSE.requests} requests`, value: lost, unit: '', bar: { atMost: 0 } },
    { figure: 'Ingress', value: ours, unit },
    { figure: 'HAProxy by hand', value: byHand, unit },
    { figure: 'Ingress / by hand', value: ratio, unit: '', bar: { atLeast: SPEED } },
    { figure: 'by hand / by hand, to see how true that is', value: control, unit: '' },
    {
      figure: `one Service's change among ${INGRESSES} Ingresses, until it is known what to tell HAProxy`,
      value: oneChange(),
      unit: 'ms',
    },
  ];
}

/** Median of derivation, rendering and comparison. */
function oneChange(): number {
  const options = {
    folder: '/run/sluice/ingress',
    addresses: ['0.0.0.0'],
    httpPort: 80,
    httpsPort: 443,
    statusPort: 10_254,
    acceptProxy: false,
    defaultCertificate: '',
  };
  let world = manyIngresses(INGRESSES);
  let before: Rendered | undefined;
  const times: number[] = [];
  for (let turn = 0; turn < CHANGES; turn++) {
    world = withChange(world, turn, turn + 1);
    const start = performance.now();
    const after = renderIngress(deriveIngress({ ...world, rejected: new Map() }), options, before?.slots);
    if (before !== undefined && runtimeChanges(before, after) === undefined) throw new Error('needs a reload');
    if (before !== undefined) times.push(performance.now() - start);
    before = after;
  }
  return median(times);
}
