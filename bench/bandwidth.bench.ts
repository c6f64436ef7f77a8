import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually, TestCluster } from '../src/app/agent/cluster.test-support.ts';
import type { TestPod } from '../src/app/agent/cluster.test-support.ts';
import type { Bench, Figure } from './harness.ts';

/** Bits per second, far below what any machine carries: this is about the limit. */
const RATES = [10_000_000, 100_000_000] as const;
/** Of the rate, in seconds: long against the pauses of a busy machine, which cost what passes the burst, and gone within the time that is left out. */
const BURST = 0.2;
const SECONDS = 10;
const LEFT_OUT = 3;
/** The frames' headers are 4.4 % of a stream at an MTU of 1500; the limit is on frames, as with the upstream plugin. */
const WITHIN = 5;

export const bench: Bench = {
  name: 'bandwidth',
  about: `pods with a limit each way: what iperf3 receives in ${SECONDS} s, after the burst, against the rate`,
  async run(note) {
    note(`${SECONDS} s for each rate and direction, a TCP stream between two pods of one node`);
    const enter = ['--net', '--mount', '--propagation', 'private'];
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const script = [process.execPath, fileURLToPath(import.meta.url), 'measure'];
    const { stdout } = await promisify(execFile)('unshare', [...user, ...enter, ...script]);
    return JSON.parse(stdout) as Figure[];
  },
};

if (process.argv[2] === 'measure' && import.meta.main) console.log(JSON.stringify(await measure()));

async function measure(): Promise<Figure[]> {
  await using cluster = await TestCluster.create({ backend: 'host-gw' });
  await cluster.addNode('n1');
  const other = await cluster.addPod('n1', 'other');
  const figures: Figure[] = [];
  for (const rate of RATES) {
    const burst = rate * BURST;
    const bandwidth = { ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst };
    const pod = await cluster.addPod('n1', `limited-${rate}`, {}, { bandwidth });
    await eventually(() => cluster.pings(other.netns, pod.ips[0]!));
    for (const [direction, from, to] of [
      ['ingress', other, pod],
      ['egress', pod, other],
    ] as const) {
      const received = await stream(cluster, from, to);
      figures.push({
        figure: `${direction} of ${rate / 1e6} Mbit/s: off by`,
        value: Math.abs(received / rate - 1) * 100,
        unit: '%',
        bar: { atMost: WITHIN },
      });
    }
  }
  return figures;
}

/** Bits per second of payload as the receiver counts them. */
async function stream(cluster: TestCluster, from: TestPod, to: TestPod): Promise<number> {
  const server = cluster.start(to.netns, ['iperf3', '-s', '-1', '--forceflush']);
  await new Promise<void>((resolve) => {
    let text = '';
    server.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('listening')) resolve();
    });
  });
  const time = ['-t', String(SECONDS), '-O', String(LEFT_OUT)];
  const { output } = await cluster.run(from.netns, ['iperf3', '-c', to.ips[0]!, '-J', ...time]);
  const { end } = JSON.parse(output) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second;
}
