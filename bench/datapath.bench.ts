import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { formatIp } from '../src/base/ip/index.ts';
import { createCalcEngine } from '../src/core/calc/index.ts';
import type { Delta } from '../src/core/calc/index.ts';
import type { NetworkPolicy, Pod } from '../src/core/kube/types.ts';
import type { Transaction } from '../src/core/nft/index.ts';
import { namespaceInfo, normaliseNetworkPolicy, podEndpoint } from '../src/core/policy/index.ts';
import { inNetns } from '../src/host/netns/netns.ts';
import { openNftables } from '../src/host/nftables/kernel.ts';
import { openSysctl } from '../src/host/sysctl/sysctl.ts';
import { addPod, addressOf, interfaceOf } from './datapath/pod.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

const FEW = 10;
const MANY = 5000;
/** Pods of the node, which the policies select in turn; each of the two that carry traffic is selected by two in both cases. */
const PODS = 110;
/** Many short ones: what else the machine does then falls on both cases alike. */
const ROUNDS = 21;
const MEASURE_MS = 250;
/** Between the exchange of rulesets and the measurement, milliseconds. */
const SETTLE_MS = 200;
const PORT = { connections: 8080, stream: 8081 } as const;
const LOAD = join(import.meta.dirname, 'datapath/load.ts');

/** Rulesets are exchanged under the same two pods, round by round, so that both cases meet the same machine. */
export const bench: Bench = {
  name: 'datapath',
  about: `two routed pods of one node: new connections and throughput with ${MANY} policies against ${FEW}`,
  async run(note) {
    note(`${ROUNDS} rounds of ${MEASURE_MS} ms for each figure and case`);
    const enter = ['--net', '--mount', '--propagation', 'private'];
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const script = [process.execPath, fileURLToPath(import.meta.url), 'measure'];
    const { stdout } = await promisify(execFile)('unshare', [...user, ...enter, ...script]);
    return JSON.parse(stdout) as Figure[];
  },
};

if (process.argv[2] === 'measure' && import.meta.main) console.log(JSON.stringify(await measure()));

interface Samples {
  readonly connections: number[];
  readonly stream: number[];
}

async function measure(): Promise<Figure[]> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
  const [client, server] = [addPod(0), addPod(1)];
  const sysctl = openSysctl();
  sysctl.write('net/ipv4/ip_forward', 1);
  using nftables = openNftables();
  const cases = [FEW, MANY].map((count) => ({ transaction: rulesetOf(count), ...emptySamples() }));
  nftables.apply(cases[0]!.transaction);
  // Connections end by reset; at thousands a second the default of 10 s would fill the table.
  sysctl.write('net/netfilter/nf_conntrack_tcp_timeout_close', 1);

  await using servers = new AsyncDisposableStack();
  for (const [role, port] of [
    ['accept', PORT.connections],
    ['sink', PORT.stream],
  ] as const) {
    const child = inNetns(server, () =>
      spawn(process.execPath, [LOAD, role, formatIp(addressOf(1)), String(port)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    servers.defer(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
  }
  const load = (role: string, port: number): number => {
    const args = [LOAD, role, formatIp(addressOf(1)), String(port), String(MEASURE_MS)];
    return Number(inNetns(client, () => execFileSync(process.execPath, args)));
  };
  for (let round = 0; round < ROUNDS; round++)
    // Alternately first, because the machine's other work comes and goes.
    for (const sample of round % 2 === 0 ? cases : cases.toReversed()) {
      nftables.apply(sample.transaction);
      // What the exchange leaves to be freed and settled is no cost of connections.
      await setTimeout(SETTLE_MS);
      sample.connections.push((load('connect', PORT.connections) / MEASURE_MS) * 1000);
      sample.stream.push((load('stream', PORT.stream) * 8) / MEASURE_MS / 1e6);
    }
  return figures(cases[0]!, cases[1]!);
}

function emptySamples(): Samples {
  return { connections: [], stream: [] };
}

function figures(few: Samples, many: Samples): Figure[] {
  const pair = (name: string, unit: string, pick: (samples: Samples) => readonly number[]): Figure[] => [
    { figure: `${name}, ${FEW} policies`, value: median(pick(few)), unit },
    { figure: `${name}, ${MANY} policies`, value: median(pick(many)), unit },
    { figure: `${name}, ratio`, value: median(ratios(pick(many), pick(few))), unit: '', bar: { atLeast: 0.95 } },
  ];
  return [
    ...pair('new connections', '/s', ({ connections }) => connections),
    ...pair('throughput', 'Gbit/s', ({ stream }) => stream),
  ];
}

/** Round by round: the two halves of a round meet the same machine, those of the whole run do not. */
function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value / others[round]!);
}

/** The node's table as the agent would load it. */
function rulesetOf(policies: number): Transaction {
  const engine = createCalcEngine({ node: 'node-1' });
  for (const delta of cluster(policies)) engine.apply(delta);
  return [{ op: 'destroy-table' }, { op: 'add-table' }, ...engine.flush().transaction];
}

function* cluster(policies: number): Iterable<Delta> {
  const namespace = namespaceInfo({ metadata: { name: 'default', labels: {} } });
  yield { kind: 'namespace', key: namespace.name, value: namespace };
  for (let n = 0; n < PODS; n++) {
    const value = podEndpoint(podObject(n));
    yield { kind: 'pod', key: value.key, value };
    const endpoint = { id: value.key, interface: interfaceOf(n), pod: value.key, addresses: value.addresses };
    yield { kind: 'local-endpoint', key: value.key, value: endpoint };
  }
  for (let n = 0; n < policies; n++) {
    // The first four for the two pods under load, two each; the others for the rest in turn.
    const pod = n < 4 ? n % 2 : 2 + (n % (PODS - 2));
    const { policy: value } = normaliseNetworkPolicy(policyObject(n, pod));
    yield { kind: 'policy', key: value.key, value };
  }
}

function podObject(n: number): Pod {
  return {
    metadata: { name: `pod-${n}`, namespace: 'default', labels: { pod: `p${n}`, tier: `t${n % 5}` } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'x' }] },
    status: { phase: 'Running', podIPs: [{ ip: formatIp(addressOf(n)) }] },
  };
}

function policyObject(n: number, pod: number): NetworkPolicy {
  const peers = [{ podSelector: {} }, { ipBlock: { cidr: `172.${16 + (n % 16)}.${n % 250}.0/24` } }];
  const ports = [PORT.connections, PORT.stream, 1024 + (n % 30_000)].map((port) => ({ port }));
  return {
    metadata: { name: `policy-${n}`, namespace: 'default' },
    spec: {
      podSelector: { matchLabels: { pod: `p${pod}` } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: peers, ports }],
      egress: [{ to: peers, ports }],
    },
  };
}
