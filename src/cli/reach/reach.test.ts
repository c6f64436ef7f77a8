import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaProblems, type JsonSchema } from '../json-schema.test-support.ts';
import { ROOT, runCli, spawnCli, type CliResult } from '../run-cli.test-support.ts';
import { LineSink } from '../line-sink.ts';
import type { PortRecord, ReachConnection, ReachEndpoint } from './graph.ts';
import { writeSvg } from './write-svg.ts';

const schema = JSON.parse(readFileSync(join(ROOT, 'docs/schemas/reach.schema.json'), 'utf8')) as JsonSchema;

const pod = (namespace: string, name: string, rest = '', labels = '{}') =>
  `---\n{ apiVersion: v1, kind: Pod, metadata: { namespace: ${namespace}, name: ${name}, labels: ${labels} ${rest} }`;

/** Two workloads of two pods, a pod with hostNetwork, dual stack, a policy for each kind of port. */
const CLUSTER = `
{ apiVersion: v1, kind: Node, metadata: { name: n1 }, status: { addresses: [{ type: InternalIP, address: 192.0.2.1 }] } }
${['a', 'b']
  .map(
    (each, index) =>
      pod(
        'shop',
        `web-5d4-${each}`,
        `, ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4, uid: u, controller: true }]`,
        '{ app: web, pod-template-hash: 5d4 }',
      ) +
      `, spec: { nodeName: n1, containers: [{ name: c, image: i }] }, status: { phase: Running, podIPs: [{ ip: 10.244.0.${index + 2} }, { ip: 'fd00::${index + 2}' }] } }`,
  )
  .join('\n')}
${pod('shop', 'db', '', '{ app: db }')}, spec: { containers: [{ name: c, image: i }] } }
${pod('kube-system', 'proxy')}, spec: { hostNetwork: true, nodeName: n1, containers: [{ name: c, image: i }] }, status: { phase: Running, podIPs: [{ ip: 192.0.2.1 }] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: db, namespace: shop }
spec:
  podSelector: { matchLabels: { app: db } }
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{ podSelector: { matchLabels: { app: web } } }]
      ports: [{ port: 5432 }, { port: 9000, endPort: 9010, protocol: UDP }]
    - from: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }]
      ports: [{ port: 5432 }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress: [{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }]
`;

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-reach-'));
  file = join(folder, 'cluster.yaml');
  writeFileSync(file, CLUSTER);
  writeFileSync(
    join(folder, 'many.yaml'),
    Array.from(
      { length: 400 },
      (_, n) => `${pod('shop', `p${n}`)}, spec: { containers: [{ name: c, image: i }] } }`,
    ).join('\n'),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly endpoints: readonly ReachEndpoint[];
  readonly connections: readonly ReachConnection[];
}

async function report(...args: readonly string[]): Promise<Report> {
  const { code, out, err } = await runCli('reach', '-f', file, '-o', 'json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const value = JSON.parse(out) as Report;
  expect(schemaProblems(value, schema)).toEqual([]);
  const names = value.endpoints.map(({ name }) => name);
  expect(new Set(names).size, 'every name once').toBe(names.length);
  for (const { from, to } of value.connections) expect(names).toEqual(expect.arrayContaining([from, to]));
  return value;
}

function between({ connections }: Report, from: string, to: string): readonly PortRecord[] | undefined {
  return connections.find((each) => each.from === from && each.to === to)?.ports;
}

describe('sluice reach -o json', () => {
  it('names pods, nodes and what is outside, and keeps to the schema', async () => {
    const { endpoints } = await report();
    expect(endpoints.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'pod kube-system/proxy',
      'pod shop/db',
      'pod shop/web-5d4-a',
      'pod shop/web-5d4-b',
      'node node/n1',
      'external 0.0.0.0/0 except (10.0.0.0/8 except 10.1.0.0/16)',
      'external 10.0.0.0/8 except 10.1.0.0/16',
      'external ::/0',
    ]);
    expect(endpoints.find(({ name }) => name === 'shop/web-5d4-a')).toMatchObject({
      workload: 'shop/deployment/web',
      node: 'n1',
      addresses: ['10.244.0.2', 'fd00::2'],
    });
    expect(endpoints.find(({ name }) => name === 'kube-system/proxy')).toMatchObject({ hostNetwork: true });
    expect(endpoints.find(({ name }) => name === '10.0.0.0/8 except 10.1.0.0/16')?.ranges).toContain('10.128.0.0/9');
  });

  it('tells every protocol and both families apart', async () => {
    const whole = await report();
    expect(between(whole, 'shop/web-5d4-a', 'shop/db')).toEqual([
      { protocol: 'TCP', from: 5432, to: 5432 },
      { protocol: 'UDP', from: 9000, to: 9010 },
    ]);
    // The block is of IPv4: over IPv6 nothing allows it.
    expect(between(whole, 'shop/web-5d4-a', 'shop/web-5d4-b')).toEqual(
      expect.arrayContaining([{ protocol: 'ICMP', family: 'IPv4' }]),
    );
    expect(between(whole, '::/0', 'shop/web-5d4-a')).toBeUndefined();
    expect(between(whole, 'shop/db', 'shop/web-5d4-a')).toBeUndefined();
    expect(between(whole, '10.1.0.0/16', 'shop/db')).toBeUndefined();
    expect(between(whole, '10.0.0.0/8 except 10.1.0.0/16', 'shop/db')).toEqual([
      { protocol: 'TCP', from: 5432, to: 5432 },
    ]);
    expect(whole.connections.find(({ from, to }) => from === 'node/n1' && to === 'shop/web-5d4-a')).toMatchObject({
      exempt: 'own-node',
    });
  });

  it('is the same text every time, whatever the order of the documents', async () => {
    const other = join(folder, 'other.yaml');
    writeFileSync(other, CLUSTER.split('\n---\n').toReversed().join('\n---\n'));
    const [first, second] = [
      await runCli('reach', '-f', file, '-o', 'json'),
      await runCli('reach', '-f', other, '-o', 'json'),
    ];
    expect(second.out).toBe(first.out);
  });

  it.each([
    [
      ['--from', 'shop/deployment/web', '--to', 'shop/db'],
      ['shop/web-5d4-a>shop/db', 'shop/web-5d4-b>shop/db'],
    ],
    [
      ['--from', 'app=web', '--port', '5432'],
      ['shop/web-5d4-a>shop/db', 'shop/web-5d4-b>shop/db'],
    ],
    [
      ['--from', '10.1.2.3', '--to', 'shop/'],
      ['10.1.2.3/32>shop/web-5d4-a', '10.1.2.3/32>shop/web-5d4-b'],
    ],
    [['--from', 'outside', '--to', 'shop/db'], ['10.0.0.0/8 except 10.1.0.0/16>shop/db']],
    [
      ['--from', 'nodes', '--to', 'shop/app=web', '--port', '80', '-n', 'x'],
      ['node/n1>shop/web-5d4-a', 'node/n1>shop/web-5d4-b'],
    ],
    [
      ['--to', 'shop/db', '--protocol', 'udp', '--port', '9005-9999'],
      ['shop/web-5d4-a>shop/db', 'shop/web-5d4-b>shop/db'],
    ],
  ])('narrows: %j', async (args, wanted) => {
    const { connections } = await report(...args);
    const found = connections.map(({ from, to }) => `${from}>${to}`);
    expect(found.filter((each) => !each.includes('0.0.0.0/0')).sort()).toEqual(
      expect.arrayContaining([...wanted].sort()),
    );
    if (args.includes('--to')) expect(found.length).toBe(wanted.length);
  });

  it('narrows the ports, too', async () => {
    const narrow = await report('--to', 'shop/db', '--protocol', 'udp', '--port', '9005-9999');
    expect(narrow.connections[0]!.ports).toEqual([{ protocol: 'UDP', from: 9005, to: 9010 }]);
  });

  it('shows pods as one, and says when only some of them have it', async () => {
    const workloads = await report('--group', 'workload');
    expect(workloads.endpoints.find(({ kind }) => kind === 'workload')).toEqual({
      name: 'shop/deployment/web',
      kind: 'workload',
      namespace: 'shop',
      pods: ['shop/web-5d4-a', 'shop/web-5d4-b'],
    });
    const ofDb = workloads.connections.find(({ from, to }) => from === 'shop/deployment/web' && to === 'shop/db');
    expect(ofDb).toEqual({ from: 'shop/deployment/web', to: 'shop/db', ports: expect.any(Array) });
    const namespaces = await report('--group', 'namespace');
    expect(namespaces.connections.find(({ from, to }) => from === 'shop' && to === 'shop')?.partial).toBe(true);
    const labels = await report('--group', 'labels');
    expect(labels.endpoints.map(({ name }) => name)).toEqual(expect.arrayContaining(['shop/app=web', 'shop/app=db']));
  });

  it('splits the outside only where policies make a difference', async () => {
    const extra = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: nobody, namespace: shop }
spec:
  podSelector: { matchLabels: { app: nobody } }
  ingress: [{ from: [{ ipBlock: { cidr: 198.51.100.0/24 } }, { ipBlock: { cidr: 203.0.113.0/25 } }] }]
`;
    const more = join(folder, 'more.yaml');
    writeFileSync(more, CLUSTER + extra);
    const names = ({ endpoints }: Report) =>
      endpoints.filter(({ kind }) => kind === 'external').map(({ name }) => name);
    const { out } = await runCli('reach', '-f', more, '-o', 'json');
    expect(names(JSON.parse(out) as Report)).toEqual(names(await report()));
  });

  it('supposes pods that are not there yet', async () => {
    const { connections } = await report('--exposure');
    const found = connections.map(({ from, to }) => `${from}>${to}`);
    expect(found).toContain('(new namespace)/(new pod)>shop/(new pod)');
    expect(found).not.toContain('(new namespace)/(new pod)>shop/db');
    expect(found).not.toContain('shop/web-5d4-a>shop/db');
  });
});

describe('other forms', () => {
  const run = (...args: readonly string[]): Promise<CliResult> =>
    runCli('reach', '-f', file, '--group', 'workload', ...args);

  it('table', async () => {
    const { out } = await run('--to', 'shop/db');
    expect(out.split('\n')[0]).toMatch(/^FROM +TO +PORTS$/u);
    expect(out).toMatch(/^shop\/deployment\/web +shop\/db +TCP 5432; UDP 9000-9010$/mu);
  });

  it('csv, a port entry a row', async () => {
    const { out } = await run('--to', 'shop/db', '-o', 'csv');
    expect(out).toContain('shop/deployment/web,shop/db,UDP,9000,9010,,,,,\r\n');
  });

  it('md', async () => {
    const { out } = await run('--to', 'shop/db', '-o', 'md');
    expect(out).toContain('| `shop/deployment/web` | `shop/db` | TCP 5432; UDP 9000-9010 |');
  });

  it.skipIf(spawnSync('dot', ['-V']).status !== 0)('dot is read by Graphviz', async () => {
    const { out } = await run('-o', 'dot');
    const { status, stdout, stderr } = spawnSync('dot', ['-Tsvg'], { input: out, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('deployment/web');
  });

  it('mermaid: plain words as names, quoted labels, every edge between nodes that are declared', async () => {
    const lines = (await run('-o', 'mermaid')).out.trimEnd().split('\n');
    expect(lines[0]).toBe('flowchart LR');
    const declared = new Set<string>();
    for (const line of lines.slice(1)) {
      const node = /^ {2,4}(e\d+)(?:\["[^"]*"\]|\(\["[^"]*"\]\))$/u.exec(line);
      if (node !== null) declared.add(node[1]!);
      const edge = /^ {2}(e\d+) -->\|"[^"]*"\| (e\d+)$/u.exec(line);
      if (edge !== null) expect([...declared]).toEqual(expect.arrayContaining([edge[1], edge[2]]));
      expect(node !== null || edge !== null || /^ {2}(?:subgraph g\d+\["[^"]*"\]|end)$/u.test(line), line).toBe(true);
    }
  });

  it('svg is well-formed XML', async () => {
    const { out } = await run('-o', 'svg');
    const open: string[] = [];
    for (const [tag, close, name, , self] of out.matchAll(/<(\/?)([a-z]+)((?:[^<>"]|"[^"<]*")*?)(\/?)>/gu)) {
      if (close === '/') expect(open.pop(), tag).toBe(name);
      else if (self !== '/') open.push(name!);
    }
    expect(open).toEqual([]);
    expect(out).toContain('prefers-color-scheme: dark');
    expect(out).toContain('shop/deployment/web → shop/db: TCP 5432; UDP 9000-9010');
  });

  it('svg is refused when nobody could read it', async () => {
    const many = join(folder, 'many.yaml');
    const { code, out, err } = await runCli('reach', '-f', many, '-o', 'svg');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('--group');
    expect((await runCli('reach', '-f', many, '-o', 'svg', '--group', 'namespace')).code).toBe(0);
  });

  it('svg is refused before connections are read that nobody could keep', async () => {
    const pods = Array.from({ length: 400 }, (_, i) => ({ name: `shop/${i}`, kind: 'pod' as const }));
    const connections = {
      [Symbol.iterator]: (): Iterator<never> => {
        throw new Error('read');
      },
    };
    const sink = new LineSink({ print: () => undefined, signal: new AbortController().signal });
    await expect(writeSvg({ endpoints: pods, connections }, sink)).rejects.toThrow('400 by 400 endpoints');
  });

  it('a reader that has seen enough is no failure', () => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `"$0" ${join(ROOT, 'src/cli/main.ts')} reach -f ${folder}/many.yaml -o json | head -n 1`,
        process.execPath,
      ],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('{"endpoints":[');
  });

  it('reads standard input, and says no by exit code 1', () => {
    const closed = CLUSTER.replace('ingress: [{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }]', 'ingress: []');
    const { code, out } = spawnCli(['reach', '-f', '-', '--from', 'outside', '--to', 'shop/deployment/web'], closed);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });
});

it.each([
  [[], 'which cluster?'],
  [['-f', '/nonexistent.yaml'], '/nonexistent.yaml: no such file'],
  [['--from', 'shop/wbe'], '--from: there is no pod shop/wbe'],
  [['--from', 'outside', '--to', 'app=wbe'], '--to app=wbe: no pod is meant'],
  [['--from', 'shpo/', '--from', 'outside'], '--from shpo/: no pod is meant'],
  [['--from', 'shop/deployment/wbe'], 'did you mean shop/deployment/web?'],
  [['--to', 'a/b/c/d'], '--to: must be any, outside'],
  [['--to', 'app in'], '--to'],
  [['--port', 'http'], 'must be a number, or a range'],
  [['--port', '90-80'], 'ends before it begins'],
  [['--port', '80', '--protocol', 'icmp'], 'ICMP has no ports'],
  [['--group', 'pod'], 'Allowed choices are workload, namespace, labels'],
  [['-o', 'png'], 'Allowed choices'],
])('refuses %j with one message', async (args, words) => {
  const { code, out, err } = await runCli(
    'reach',
    ...(args.includes('-f') || args.length === 0 ? [] : ['-f', file]),
    ...args,
  );
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(words);
});
