import { kill } from 'node:process';
import type { ChildProcess } from 'node:child_process';
import type { LabAttempt } from '../src/app/lab/lab-types.ts';
import { TestCluster, podPlace } from '../test/e2e/harness.ts';
import type { Bench, Figure } from './harness.ts';

/** Seconds of load, and between two kills of every agent. */
const LOAD = 20;
const BETWEEN_KILLS = 5;
/** New connections a second: half of them allowed by policy, half denied. */
const RATE = 100;

const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: server }
spec:
  podSelector: { matchLabels: { run: server } }
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: { matchLabels: { run: friend } } }] }]
`;

interface IperfResult {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: { readonly bytes: number } }[];
  readonly end: { readonly sum_received?: { readonly bits_per_second: number } };
}

/** Every agent of a cluster is killed with SIGKILL, again and again, under load. */
export const bench: Bench = {
  name: 'agent-restart',
  about: `an iperf3 stream and ${RATE} new connections a second while all agents are killed every ${BETWEEN_KILLS} s`,
  async run(note) {
    await using cluster = await TestCluster.start();
    for (const name of ['server', 'friend', 'stranger']) {
      await cluster.ok(`run ${name} --image=busybox -- sleep infinity`);
    }
    await cluster.ready('default');
    await cluster.apply(POLICY);
    await cluster.agrees('default');
    const stream = await startStream(cluster);
    note('load begins');
    const kills = { count: 0 };
    const wrong = await connect(cluster, async (second) => {
      if (second % BETWEEN_KILLS !== 1) return;
      await killAgents(cluster);
      kills.count++;
      note(`second ${second}: all agents killed`);
    });
    return figures(await stream.ended, wrong, kills.count);
  },
};

function figures(stream: IperfResult, wrong: Wrong, kills: number): readonly Figure[] {
  const stalls = stream.intervals.filter(({ sum }) => sum.bytes === 0).length;
  return [
    { figure: 'kills of all agents', value: kills, unit: '', bar: { atLeast: 3 } },
    { figure: 'new connections', value: wrong.tried, unit: '', bar: { atLeast: (LOAD * RATE) / 2 } },
    { figure: 'allowed, yet dropped', value: wrong.dropped, unit: '', bar: { atMost: 0 } },
    { figure: 'denied, yet open', value: wrong.open, unit: '', bar: { atMost: 0 } },
    { figure: 'stream broken', value: stream.error === undefined ? 0 : 1, unit: '', bar: { atMost: 0 } },
    { figure: 'stream without data', value: stalls / 10, unit: 's' },
    { figure: 'stream', value: (stream.end.sum_received?.bits_per_second ?? 0) / 1e9, unit: 'Gbit/s' },
  ];
}

interface Wrong {
  tried: number;
  dropped: number;
  open: number;
}

/** Opens `RATE` connections every second for `LOAD` seconds, without waiting for the end of earlier ones. */
async function connect(cluster: TestCluster, everySecond: (second: number) => Promise<void>): Promise<Wrong> {
  const address = await cluster.address('default/server');
  const attempt = (from: string): LabAttempt => ({
    from: podPlace(from),
    to: podPlace('default/server'),
    address,
    protocol: 'tcp',
    port: 7000,
  });
  const round = Array.from({ length: RATE }, (_, i) => attempt(i % 2 ? 'default/friend' : 'default/stranger'));
  const wrong: Wrong = { tried: 0, dropped: 0, open: 0 };
  const tryRound = async (): Promise<void> => {
    for (const [i, { verdict }] of (await cluster.lab.request({ op: 'probe', attempts: round })).entries()) {
      wrong.tried++;
      if (i % 2 === 1 && verdict !== 'allowed') wrong.dropped++;
      if (i % 2 === 0 && verdict !== 'denied') wrong.open++;
    }
  };
  const running: Promise<void>[] = [];
  const from = performance.now();
  for (let second = 0; second < LOAD; second++) {
    running.push(tryRound());
    await everySecond(second);
    await new Promise((next) => setTimeout(next, Math.max(0, from + (second + 1) * 1000 - performance.now())));
  }
  await Promise.all(running);
  return wrong;
}

/** iperf3 from friend to server, running when this returns; `ended` resolves with its report. */
async function startStream(cluster: TestCluster): Promise<{ readonly ended: Promise<IperfResult> }> {
  const address = await cluster.address('default/server');
  const server = cluster.spawn('exec server -- iperf3 -s -1 --forceflush');
  await new Promise<void>((listening) => server.stdout?.once('data', () => listening()));
  const client = cluster.spawn(`exec friend -- iperf3 -c ${address} -t ${LOAD + 5} -i 0.1 -J`);
  return { ended: collect(client) };
}

async function collect(client: ChildProcess): Promise<IperfResult> {
  let text = '';
  client.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await new Promise((closed) => client.on('close', closed));
  return JSON.parse(text) as IperfResult;
}

async function killAgents(cluster: TestCluster): Promise<void> {
  const pods = await cluster.lab.request({ op: 'pods' });
  const agents = pods.filter(({ name }) => name.startsWith('sluice-node-'));
  for (const pid of agents.flatMap(({ containers }) => containers.flatMap(({ pid }) => pid ?? [])))
    kill(pid, 'SIGKILL');
}
