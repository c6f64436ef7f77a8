import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatIp } from '../src/base/ip/index.ts';
import { createCalcEngine } from '../src/core/calc/index.ts';
import type { Transaction } from '../src/core/nft/index.ts';
import { podEndpoint } from '../src/core/policy/index.ts';
import { inNetns } from '../src/host/netns/netns.ts';
import { openNftables } from '../src/host/nftables/kernel.ts';
import { openSysctl } from '../src/host/sysctl/sysctl.ts';
import { addPod, addressOf, interfaceOf } from './datapath/pod.ts';
import { median, quantile } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { clusterIp, ENDPOINTS, farEndpoint, NODE, services, sliceDelta } from './services/cluster.ts';

const FEW = 10;
const MANY = 10_000;
const CHANGES = 200;
/** Many short ones: what else the machine does then falls on all cases alike. */
const ROUNDS = 21;
const MEASURE_MS = 250;
/** Between the exchange of rulesets and the measurement, milliseconds. */
const SETTLE_MS = 200;
const LOAD = join(import.meta.dirname, 'datapath/load.ts');
const FRESH: Transaction = [{ op: 'destroy-table' }, { op: 'add-table' }];

/** Rulesets are exchanged under the same two pods, round by round, so that all cases meet the same machine. */
export const bench: Bench = {
  name: 'services',
  about: `${MANY} Services with ${MANY * ENDPOINTS} endpoints: into the kernel, one change, and new connections against ${FEW} Services`,
  async run(note) {
    note(`${CHANGES} changes of an endpoint; ${ROUNDS} rounds of ${MEASURE_MS} ms of connections for each case`);
    const enter = ['--net', '--mount', '--propagation', 'private'];
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const script = [process.execPath, fileURLToPath(import.meta.url), 'measure'];
    const { stdout } = await promisify(execFile)('unshare', [...user, ...enter, ...script]);
    return JSON.parse(stdout) as Figure[];
  },
};

if (process.argv[2] === 'measure' && import.meta.main)
  console.log(JSON.stringify([...synchronisation(), ...(await latency())]));

/** What the agent does at its start and at each change, from the objects' JSON on. */
function synchronisation(): Figure[] {
  using nftables = openNftables();
  const engine = createCalcEngine({ node: NODE, families: [4] });
  const before = process.cpuUsage();
  const start = performance.now();
  for (const delta of services(MANY)) engine.apply(delta);
  const transaction = [...FRESH, ...engine.flush().transaction];
  const calculated = performance.now();
  nftables.apply(transaction);
  const synced = performance.now();
  const { user, system } = process.cpuUsage(before);
  const changes = Array.from({ length: CHANGES }, (_, i) => {
    const n = (i * 7919) % MANY;
    // One of the five has another address: neither the first nor the last.
    const endpoints = Array.from({ length: ENDPOINTS }, (_each, j) => farEndpoint(n * ENDPOINTS + j));
    endpoints[2] = farEndpoint(MANY * ENDPOINTS + i);
    const from = performance.now();
    engine.apply(sliceDelta(n, endpoints));
    nftables.apply(engine.flush().transaction);
    return performance.now() - from;
  });
  const counts = Array.from({ length: CHANGES }, (_, i) => {
    const n = (i * 7919) % MANY;
    const endpoints = Array.from({ length: ENDPOINTS - 1 + (i % 2) * 2 }, (_each, j) => farEndpoint(n * ENDPOINTS + j));
    const from = performance.now();
    engine.apply(sliceDelta(n, endpoints));
    nftables.apply(engine.flush().transaction);
    return performance.now() - from;
  });
  nftables.apply([{ op: 'destroy-table' }]);
  return [
    { figure: 'full sync', value: (synced - start) / 1000, unit: 's', bar: { atMost: 2 } },
    { figure: 'processor time of it', value: (user + system) / 1e6, unit: 's' },
    { figure: 'of it calculation', value: (calculated - start) / 1000, unit: 's' },
    { figure: 'one endpoint changed, median', value: median(changes), unit: 'ms', bar: { atMost: 2 } },
    { figure: 'one endpoint changed, 99 %', value: quantile(changes, 0.99), unit: 'ms' },
    { figure: 'one endpoint more or less, median', value: median(counts), unit: 'ms', bar: { atMost: 2 } },
  ];
}

/** A way to translate, and how long a connection through it took, round by round. */
interface Case {
  readonly install: () => void;
  readonly microseconds: number[];
}

async function latency(): Promise<Figure[]> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
  const [client, server] = [addPod(0), addPod(1)];
  const sysctl = openSysctl();
  sysctl.write('net/ipv4/ip_forward', 1);
  using nftables = openNftables();
  const sluice = (count: number): Case => {
    const transaction = rulesetOf(count);
    return { install: () => nftables.apply(transaction), microseconds: [] };
  };
  const [few, many] = [sluice(FEW), sluice(MANY)];
  const linear: Case = {
    install: () => {
      nftables.apply([{ op: 'destroy-table' }]);
      execFileSync('iptables-restore', [], { input: linearRules(MANY) });
    },
    microseconds: [],
  };
  few.install();
  // Connections end by reset; at thousands a second the default of 10 s would fill the table.
  sysctl.write('net/netfilter/nf_conntrack_tcp_timeout_close', 1);
  await using servers = new AsyncDisposableStack();
  const child = inNetns(server, () =>
    spawn(process.execPath, [LOAD, 'accept', formatIp(addressOf(1)), '8080'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  servers.defer(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const args = [LOAD, 'connect', formatIp(clusterIp(0)), '80', String(MEASURE_MS)];
  for (let round = 0; round < ROUNDS; round++) {
    // Alternately first, because the machine's other work comes and goes; the linear one costs most to exchange.
    for (const each of [...(round % 2 === 0 ? [few, many] : [many, few]), linear]) {
      each.install();
      // What the exchange leaves to be freed and settled is no cost of connections.
      await setTimeout(SETTLE_MS);
      const made = Number(inNetns(client, () => execFileSync(process.execPath, args)));
      each.microseconds.push((MEASURE_MS * 1000) / made);
    }
    execFileSync('iptables-restore', [], { input: linearRules(0) });
  }
  return latencyFigures(few, many, linear);
}

function latencyFigures(few: Case, many: Case, linear: Case): Figure[] {
  const ratio = (to: Case): number => median(to.microseconds.map((value, i) => value / few.microseconds[i]!));
  const unit = 'µs';
  return [
    { figure: `one connection, ${FEW} Services`, value: median(few.microseconds), unit },
    { figure: `one connection, ${MANY} Services`, value: median(many.microseconds), unit },
    { figure: 'of it to the former, ratio', value: ratio(many), unit: '', bar: { atMost: 1.05 } },
    { figure: `one connection, ${MANY} linear rules of iptables`, value: median(linear.microseconds), unit },
    { figure: 'of it to the first, ratio', value: ratio(linear), unit: '' },
  ];
}

/** The node's table as the agent would load it; the first Service leads to the second pod alone. */
function rulesetOf(count: number): Transaction {
  const engine = createCalcEngine({ node: NODE, families: [4] });
  for (const delta of services(count)) engine.apply(delta);
  engine.apply(sliceDelta(0, [addressOf(1)]));
  for (const n of [0, 1]) {
    const value = podEndpoint({
      metadata: { name: `pod-${n}`, namespace: 'default' },
      spec: { nodeName: NODE, containers: [{ name: 'main', image: 'x' }] },
      status: { phase: 'Running', podIPs: [{ ip: formatIp(addressOf(n)) }] },
    });
    engine.apply({ kind: 'pod', key: value.key, value });
    const endpoint = { id: value.key, interface: interfaceOf(n), pod: value.key, addresses: value.addresses };
    engine.apply({ kind: 'local-endpoint', key: value.key, value: endpoint });
  }
  return [...FRESH, ...engine.flush().transaction];
}

/** One rule for each Service, one after the other; the one that counts is the last, and the first packet passes all. */
function linearRules(count: number): string {
  const rules = Array.from({ length: count }, (_, i) => {
    const n = count - 1 - i;
    const target = formatIp(n === 0 ? addressOf(1) : farEndpoint(n * ENDPOINTS));
    return `-A PREROUTING -d ${formatIp(clusterIp(n))}/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination ${target}:8080`;
  });
  return ['*nat', ':PREROUTING ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
}
