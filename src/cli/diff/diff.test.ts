import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runCli, spawnCli } from '../run-cli.test-support.ts';

const workload = (name: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ${name}, namespace: shop }\nspec:\n  selector: { matchLabels: { app: ${name} } }\n` +
  `  template:\n    metadata: { labels: { app: ${name} } }\n    spec: { containers: [{ name: c, image: i }] }\n---\n`;
const policy = (name: string, spec: string) =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: ${name}, namespace: shop }\nspec: ${spec}\n---\n`;

const PODS = ['web', 'api', 'db'].map(workload).join('');
const DENY = policy('deny', '{ podSelector: {}, policyTypes: [Ingress] }');
const allowDb = (from: string, port = 5432) =>
  policy(
    'db',
    `{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: ${from} } } }], ports: [{ port: ${port} }] }] }`,
  );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-diff-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

interface Entry {
  readonly from: string;
  readonly to: string;
  readonly ports: readonly unknown[];
  readonly partial?: true;
  readonly example: string;
  readonly policies: readonly {
    readonly key: string;
    readonly state: string;
    readonly source: { readonly line: number };
  }[];
}

interface Report {
  readonly opened: readonly Entry[];
  readonly closed: readonly Entry[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

async function compare(old: string, young: string): Promise<Report> {
  const { code, out, err } = await runCli('diff', file('old.yaml', old), file('new.yaml', young), '-o', 'json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Report;
}

const short = ({ from, to }: Entry): string => `${from}>${to}`;

describe('sluice diff', () => {
  it('finds nothing in texts that mean the same', async () => {
    const split = policy('db-1', '{ podSelector: { matchLabels: { app: db } }, policyTypes: [Ingress] }');
    expect(await compare(PODS + DENY + allowDb('web'), allowDb('web') + split + DENY + PODS)).toEqual({
      opened: [],
      closed: [],
      added: [],
      removed: [],
    });
  });

  it('tells what opens and what closes, by workload, and the rules whose doing it is', async () => {
    const { opened, closed } = await compare(PODS + DENY + allowDb('web'), PODS + DENY + allowDb('api', 5433));
    expect(opened).toMatchObject([
      {
        from: 'shop/deployment/api',
        to: 'shop/deployment/db',
        ports: [{ protocol: 'TCP', from: 5433, to: 5433 }],
        example: 'shop/api → shop/db TCP 5433',
        policies: [
          {
            key: 'NetworkPolicy/shop/db',
            state: 'now',
            source: { path: 'spec.ingress[0]', file: join(folder, 'new.yaml') },
          },
        ],
      },
    ]);
    expect(closed).toMatchObject([
      {
        from: 'shop/deployment/web',
        to: 'shop/deployment/db',
        policies: [{ key: 'NetworkPolicy/shop/db', state: 'before' }],
      },
    ]);
  });

  it('names the policy that begins to isolate, and the one that ceases to', async () => {
    const isolated = await compare(PODS, PODS + DENY);
    expect(isolated.opened).toEqual([]);
    expect(new Set(isolated.closed.map(short))).toContain('shop/deployment/web>shop/deployment/db');
    for (const { policies } of isolated.closed)
      expect(policies).toMatchObject([{ key: 'NetworkPolicy/shop/deny', state: 'now' }]);
    const freed = await compare(PODS + DENY, PODS);
    expect(freed.opened.map(short).sort()).toEqual(isolated.closed.map(short).sort());
    for (const { policies } of freed.opened)
      expect(policies).toMatchObject([{ key: 'NetworkPolicy/shop/deny', state: 'before' }]);
  });

  it('says the opposite the other way round', async () => {
    const [a, b] = [PODS + DENY + allowDb('web'), PODS + allowDb('api')];
    const [there, back] = [await compare(a, b), await compare(b, a)];
    expect(back.closed.map(({ from, to, ports }) => ({ from, to, ports }))).toEqual(
      there.opened.map(({ from, to, ports }) => ({ from, to, ports })),
    );
    expect(back.opened.length).toBe(there.closed.length);
  });

  it('lists endpoints of one side only, and counts what they can do as no change', async () => {
    const { opened, closed, added, removed } = await compare(PODS, PODS.replaceAll(/\bapi\b/gu, 'cache'));
    expect({ opened, closed, added, removed }).toEqual({
      opened: [],
      closed: [],
      added: ['shop/deployment/cache'],
      removed: ['shop/deployment/api'],
    });
  });

  it('says when only some pods of a workload are concerned', async () => {
    const owner = 'ownerReferences: [{ apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true }]';
    const pods = [0, 1]
      .map(
        (n) =>
          `{ apiVersion: v1, kind: Pod, metadata: { namespace: shop, name: db-${n}, labels: { app: db, n: '${n}' }, ${owner} }, spec: { containers: [{ name: c, image: i }] } }\n---\n`,
      )
      .join('');
    const { closed } = await compare(
      pods,
      pods + policy('one', "{ podSelector: { matchLabels: { n: '1' } }, ingress: [] }"),
    );
    expect(closed.find(({ from }) => from.startsWith('shop/'))).toMatchObject({
      from: 'shop/statefulset/db',
      partial: true,
    });
  });

  it('tells pods and their own nodes from other nodes', async () => {
    const cluster = `{ apiVersion: v1, kind: Node, metadata: { name: n1 }, status: { addresses: [{ type: InternalIP, address: 192.0.2.1 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { namespace: shop, name: web }, spec: { nodeName: n1, containers: [{ name: c, image: i }] }, status: { podIPs: [{ ip: 10.244.0.2 }] } }
---
`;
    const admin = `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: nodes }
spec:
  tier: Admin
  priority: 1
  subject: { namespaces: {} }
  egress: [{ action: Deny, to: [{ nodes: {} }] }]
`;
    const file1 = file('old.yaml', cluster);
    const { out } = await runCli('diff', file1, file('new.yaml', cluster + admin));
    expect(out).toContain('- shop/web → node/n1: all traffic (only of a pod and its own node)');
    const { closed } = await compare(cluster, cluster + admin);
    expect(closed).toMatchObject([{ from: 'shop/web', to: 'node/n1', ownNode: true }]);
  });
});

describe('reports', () => {
  const sides = () =>
    [file('a.yaml', PODS + DENY + allowDb('web')), file('b.yaml', PODS + DENY + allowDb('api'))] as const;

  it('text shows each change with a flow, and the answers of now and before', async () => {
    const { out } = await runCli('diff', ...sides());
    expect(out).toContain('+ shop/deployment/api → shop/deployment/db: TCP 5432');
    expect(out).toContain('- shop/deployment/web → shop/deployment/db: TCP 5432');
    expect(out).toMatch(/now +ingress of shop\/db: allowed by NetworkPolicy shop\/db/u);
    expect(out.trimEnd()).toMatch(/1 opened, 1 closed\.$/u);
  });

  it('a comment for GitHub can be found again, and shows names as code whatever they hold', async () => {
    const { out } = await runCli('diff', ...sides(), '-o', 'github');
    expect(out.startsWith('<!-- sluice diff -->\n')).toBe(true);
    expect(out).toContain('| 1 | `shop/deployment/api` | `shop/deployment/db` | TCP 5432 | `NetworkPolicy/shop/db`');
    const tables = out.split('\n').filter((line) => line.startsWith('|'));
    for (const row of tables) expect(row.replaceAll(/`[^`]*`/gu, '').split('|').length, row).toBe(7);
    expect(out.match(/<details>/gu)?.length).toBe(out.match(/<\/details>/gu)?.length);
  });

  it('a comment never is longer than GitHub takes', async () => {
    const names = Array.from({ length: 150 }, (_, i) => `workload-with-a-rather-long-name-${i}`);
    const pods = names.map(workload).join('');
    const rules = names
      .map((name, i) =>
        policy(name, `{ podSelector: { matchLabels: { app: ${name} } }, ingress: [{ ports: [{ port: ${i + 1} }] }] }`),
      )
      .join('');
    const { out } = await runCli('diff', file('a.yaml', pods), file('b.yaml', pods + rules), '-o', 'github');
    expect(out.length).toBeLessThan(65_536);
    expect(out).toMatch(/^… and \d+ more/mu);
    expect(out).toContain('| 10 |');
    expect(out).toMatch(/and \d+ more \|/u);
  });

  it.each([
    [[], 0],
    [['--fail-on', 'opened'], 1],
    [['--fail-on', 'closed'], 1],
    [['--fail-on', 'any'], 1],
  ])('with %j it exits with %i', async (args, code) => {
    expect(await runCli('diff', ...sides(), ...args)).toMatchObject({ code, err: '' });
  });

  it('--fail-on looks at its own kind of change only', async () => {
    const [a, b] = [file('a.yaml', PODS), file('b.yaml', PODS + DENY)];
    expect(await runCli('diff', a, b, '--fail-on', 'opened')).toMatchObject({ code: 0 });
    expect(await runCli('diff', b, a, '--fail-on', 'closed')).toMatchObject({ code: 0 });
    expect(await runCli('diff', b, a, '--fail-on', 'opened')).toMatchObject({ code: 1 });
  });
});

describe('staged policies', () => {
  const staged = `apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: { name: db, namespace: shop }
spec: { selector: app == 'db', types: [Ingress] }
`;

  it('are no change, and with --staged what they would change', async () => {
    const path = file('staged.yaml', PODS + staged);
    expect(await runCli('diff', path, path, '--fail-on', 'any')).toMatchObject({ code: 0 });
    const { code, out } = await runCli('diff', path, path, '--fail-on', 'closed', '--staged');
    expect(code).toBe(1);
    expect(out).toContain('→ shop/deployment/db: all traffic');
  });

  it('count in reach and test when asked for', async () => {
    const path = file('staged.yaml', PODS + staged);
    const spec = file('staged-spec.yaml', 'files: staged.yaml\ntests: [{ deny: { to: shop/deployment/db } }]');
    for (const args of [
      ['reach', '-f', path, '--to', 'shop/deployment/db'],
      ['test', spec],
    ]) {
      const [plain, enforced] = [await runCli(...args), await runCli(...args, '--staged')];
      expect([plain.code, enforced.code]).toEqual(args[0] === 'reach' ? [0, 1] : [1, 0]);
    }
  });
});

describe('sides', () => {
  it('one may be standard input', () => {
    const { code, out } = spawnCli(['diff', file('a.yaml', PODS), '-', '--fail-on', 'closed'], PODS + DENY);
    expect(out).toContain('0 opened');
    expect(code).toBe(1);
  });

  it('may be revisions of the git repository', () => {
    const repository = join(folder, 'repository');
    file('repository/deploy/pods.yaml', PODS);
    file('repository/deploy/values.yaml', 'replicas: 3\n');
    file('repository/deploy/notes.txt', 'not: yaml: at all');
    const git = (...args: readonly string[]) => {
      const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
      const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' });
      expect(status, stderr).toBe(0);
    };
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    file('repository/deploy/policy.yaml', DENY);
    git('add', '.');
    git('commit', '-q', '-m', 'second');
    const run = (cwd: string, ...args: readonly string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), 'diff', ...args], { cwd, encoding: 'utf8' });
    for (const [cwd, old, young] of [
      [repository, 'HEAD~1:deploy', 'HEAD:deploy/'],
      [repository, 'HEAD~1:deploy/pods.yaml', 'deploy'],
      [join(repository, 'deploy'), 'HEAD~1:./', '.'],
      [join(repository, 'deploy'), 'HEAD~1:../deploy', 'HEAD:.'],
    ] as const) {
      const { stdout, status } = run(cwd, old, young, '--fail-on', 'closed', '-o', 'json');
      expect(status, `${old} ${young}`).toBe(1);
      expect((JSON.parse(stdout) as Report).closed[0]!.policies[0]!.key).toBe('NetworkPolicy/shop/deny');
    }
    for (const [side, words] of [
      ['nowhere:deploy', 'neither a file nor a revision'],
      ['--all:deploy', 'unknown option'],
      ['HEAD:missing', 'no such file or folder in that revision'],
    ] as const) {
      const { stderr, status } = run(repository, side, 'deploy');
      expect(status).toBe(2);
      expect(stderr).toContain(words);
    }
  });

  it.each([
    [['-', '-'], 'only one side can be standard input'],
    [['/nonexistent', '-'], '/nonexistent: no such file or folder'],
    [['/nonexistent'], "missing required argument 'new'"],
    [['a', 'b', '--fail-on', 'all'], 'Allowed choices are opened, closed, any'],
  ])('are refused with one message: %j', async (args, words) => {
    const { code, out, err } = await runCli('diff', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(words);
  });

  it('are refused when a manifest has a mistake, with its place', async () => {
    const { code, err } = await runCli('diff', file('a.yaml', PODS), file('b.yaml', policy('x', '{ podSelectr: {} }')));
    expect(code).toBe(2);
    expect(err).toMatch(/b\.yaml:4:\d+: unknown field "spec.podSelectr"; did you mean "spec.podSelector"/u);
  });
});
