import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatIp, parseCidr } from '../src/base/ip/index.ts';
import { createCalcEngine } from '../src/core/calc/index.ts';
import type { Family } from '../src/base/ip/index.ts';
import type { CalcEngine, Delta } from '../src/core/calc/index.ts';
import type { NetworkPolicy, Pod } from '../src/core/kube/types.ts';
import { namespaceInfo, normaliseNetworkPolicy, podEndpoint } from '../src/core/policy/index.ts';
import { openNftables } from '../src/host/nftables/kernel.ts';
import { median, quantile } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

const PODS = 10_000;
const POLICIES = 1000;
const LOCAL = 110;
const NAMESPACES = 100;
const APPS = 20;
const TEAMS = 10;
const CHANGES = 500;

/** Measured in a process of its own, so that its memory is that of the calculation and the kernel's encoder alone. */
export const bench: Bench = {
  name: 'policy-delta',
  about: `${PODS} endpoints (${LOCAL} on this node), ${POLICIES} policies that all select pods of this node: from a change to the kernel having it`,
  async run(note) {
    note('loading into a network namespace of its own');
    const single = await measureApart('single');
    note('once more with two address families');
    const dual = await measureApart('dual');
    // The bars are for a cluster of one address family; two cost twice the sets and rules.
    return [...single, ...dual.map(({ figure, value, unit }) => ({ figure: `dual stack: ${figure}`, value, unit }))];
  },
};

const families = { single: [4], dual: [4, 6] } as const;

async function measureApart(stack: keyof typeof families): Promise<Figure[]> {
  // As deploy/sluice.yaml runs the agent: a small young generation costs no time and saves memory.
  const script = [process.execPath, '--max-semi-space-size=4', fileURLToPath(import.meta.url), stack];
  const enter = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net'];
  const { stdout } = await promisify(execFile)('unshare', [...enter, ...script]);
  return JSON.parse(stdout) as Figure[];
}

if (import.meta.main) console.log(JSON.stringify(measure(families[process.argv[2] === 'dual' ? 'dual' : 'single'])));

function measure(used: readonly Family[]): Figure[] {
  using nftables = openNftables();
  const start = performance.now();
  const engine = createCalcEngine({ node: 'node-0', families: used });
  for (const delta of everything()) engine.apply(delta);
  const calculated = performance.now();
  nftables.apply([{ op: 'destroy-table' }, { op: 'add-table' }, ...engine.flush().transaction]);
  const synced = performance.now();

  const change = (delta: Delta): number => {
    const from = performance.now();
    engine.apply(delta);
    nftables.apply(engine.flush().transaction);
    return performance.now() - from;
  };
  const relabel = (pick: (n: number) => number): number[] =>
    Array.from({ length: CHANGES }, (_, n) => change(podDelta(pick(n), n % APPS)));
  const remote = relabel((n) => (n * 7919) % PODS);
  const local = relabel((n) => localPod((n * 13) % LOCAL));
  const policy = Array.from({ length: 50 }, (_, n) => change(policyDelta(n * 20, 1 + (n % APPS))));
  const wired = Array.from({ length: 50 }, (_, n) => {
    const added = PODS + n;
    return change(podDelta(added, n % APPS)) + change(wireDelta(added));
  });
  const { elements, chains } = sizeOf(engine);
  return [
    { figure: 'one pod relabelled, median', value: median(remote), unit: 'ms', bar: { atMost: 2 } },
    { figure: 'one pod relabelled, 99 %', value: quantile(remote, 0.99), unit: 'ms' },
    { figure: 'one pod of this node relabelled, median', value: median(local), unit: 'ms', bar: { atMost: 2 } },
    { figure: 'new pod on this node, median', value: median(wired), unit: 'ms' },
    { figure: 'one policy changed, median', value: median(policy), unit: 'ms' },
    { figure: 'first sync', value: (synced - start) / 1000, unit: 's', bar: { atMost: 1.5 } },
    { figure: 'of it calculation', value: (calculated - start) / 1000, unit: 's' },
    { figure: 'memory of the process', value: process.memoryUsage.rss() / 1e6, unit: 'MB', bar: { atMost: 200 } },
    { figure: 'chains', value: chains, unit: '' },
    { figure: 'set elements', value: elements, unit: '' },
  ];
}

function* everything(): Iterable<Delta> {
  for (const cidr of ['10.240.0.0/12', 'fd00:10:244::/56'])
    yield { kind: 'pool', key: cidr, value: { name: cidr, cidr: parseCidr(cidr)!, natOutgoing: true } };
  for (let n = 0; n < NAMESPACES; n++) {
    const value = namespaceInfo({ metadata: { name: `ns-${n}`, labels: { team: `team-${n % TEAMS}` } } });
    yield { kind: 'namespace', key: value.name, value };
  }
  for (let n = 0; n < POLICIES; n++) yield policyDelta(n, n + 3 * Math.floor(n / NAMESPACES));
  for (let n = 0; n < PODS; n++) yield podDelta(n, appOf(n));
  for (let n = 0; n < LOCAL; n++) yield wireDelta(localPod(n));
}

/** The pods of this node, spread over all namespaces. */
function localPod(n: number): number {
  return (n * 91) % PODS;
}

function appOf(n: number): number {
  return Math.floor(n / NAMESPACES) % APPS;
}

function namespaceOf(n: number): string {
  return `ns-${n % NAMESPACES}`;
}

function addressesOf(n: number): string[] {
  const [high, low] = [Math.floor(n / 250), (n % 250) + 1];
  return [`10.244.${high}.${low}`, formatIp({ family: 6, value: (0xfd000010024400n << 72n) | BigInt(n + 1) })];
}

function podDelta(n: number, app: number): Delta {
  const pod: Pod = {
    metadata: {
      name: `pod-${n}`,
      namespace: namespaceOf(n),
      labels: { app: `app-${app}`, tier: `tier-${n % 3}`, 'pod-template-hash': `h${Math.floor(n / NAMESPACES)}` },
    },
    spec: {
      nodeName: n % 91 === 0 ? 'node-0' : `node-${n % 91}`,
      containers: [{ name: 'main', image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
    status: { phase: 'Running', podIPs: addressesOf(n).map((ip) => ({ ip })) },
  };
  const value = podEndpoint(pod);
  return { kind: 'pod', key: value.key, value };
}

function wireDelta(n: number): Delta {
  const { key, value } = podDelta(n, appOf(n)) as Delta & { kind: 'pod' };
  const endpoint = {
    id: key,
    interface: `slc${n.toString(16).padStart(11, '0')}`,
    pod: key,
    addresses: value!.addresses,
  };
  return { kind: 'local-endpoint', key, value: endpoint };
}

/** Ten policies per namespace, each for all its pods: so all of them are in force on a node with a pod per namespace. */
function policyDelta(n: number, first: number): Delta {
  const app = first % APPS;
  const policy: NetworkPolicy = {
    metadata: { name: `policy-${Math.floor(n / NAMESPACES)}`, namespace: namespaceOf(n) },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { app: `app-${app}` } } },
            {
              namespaceSelector: { matchLabels: { team: `team-${n % TEAMS}` } },
              podSelector: { matchLabels: { app: `app-${(app + 7) % APPS}` } },
            },
            { ipBlock: { cidr: `10.${n % 200}.0.0/16`, except: [`10.${n % 200}.9.0/24`] } },
          ],
          ports: [
            { protocol: 'TCP', port: 8080 },
            { protocol: 'TCP', port: 'http' },
          ],
        },
      ],
      egress: [{ to: [{ podSelector: { matchLabels: { app: `app-${(app + 3) % APPS}` } } }], ports: [{ port: 5432 }] }],
    },
  };
  const { policy: value } = normaliseNetworkPolicy(policy);
  return { kind: 'policy', key: value.key, value };
}

function sizeOf(engine: CalcEngine): { elements: number; chains: number } {
  const { sets, chains } = engine.ruleset();
  return { elements: [...sets.values()].reduce((sum, set) => sum + set.elements.size, 0), chains: chains.size };
}
