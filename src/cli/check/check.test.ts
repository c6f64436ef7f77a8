import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runCli, spawnCli } from '../run-cli.test-support.ts';

const APP = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: main, image: x, ports: [{name: pg, containerPort: 5432}]}]}
`;

const POLICY = `# who may use the database
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: pg}]
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
  mkdirSync(join(folder, 'all/policies'), { recursive: true });
  writeFileSync(join(folder, 'all/app.yaml'), APP);
  writeFileSync(join(folder, 'all/policies/db.yml'), POLICY);
  writeFileSync(join(folder, 'all/values.yaml'), 'replicas: 3\n');
  writeFileSync(join(folder, 'all/notes.txt'), 'not read');
});

afterAll(() => rmSync(folder, { recursive: true }));

const all = () => ['-f', join(folder, 'all')];

describe('sluice check', () => {
  it('reads folders with all folders in them, and tells what in them is no manifest', async () => {
    const { code, out, err } = await runCli('check', ...all(), 'shop/deployment/web', 'shop/db', '--port', '5432');
    expect(out).toContain(
      `allowed by NetworkPolicy shop/db, spec.ingress[0] (${join(folder, 'all/policies/db.yml')}:8:7)`,
    );
    expect(err).toMatch(/values\.yaml: skipped/u);
    expect(code).toBe(0);
  });

  it('passes over pipes in folders, which would never end', () => {
    const pipe = join(folder, 'all/pipe.yaml');
    spawnSync('mkfifo', [pipe]);
    const args = [join(ROOT, 'src/cli/main.ts'), 'check', ...all(), 'shop/web', 'shop/db', '--port', 'pg'];
    const { status } = spawnSync(process.execPath, args, { timeout: 120_000, killSignal: 'SIGKILL' });
    rmSync(pipe);
    expect(status).toBe(0);
  }, 150_000);

  it('passes over settings of tools in folders, and says once that a template has to be rendered', async () => {
    const settings = join(folder, 'all/kustomization.yaml');
    writeFileSync(
      settings,
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [app.yaml]\n',
    );
    expect((await runCli('check', ...all(), 'shop/web', 'shop/db', '--port', 'pg')).code).toBe(0);
    const template = join(folder, 'template.yaml');
    writeFileSync(
      template,
      'kind: Pod\nmetadata:\n  name: {{ .Values.name }}\n  labels: {{- toYaml .Values.labels }}\n',
    );
    const { code, err } = await runCli('check', '-f', template, 'a', 'b', '--port', '80');
    expect([code, err]).toEqual([
      2,
      `sluice: a mistake in the manifests:\n${template}:3:1: a template and no manifest yet; render it first, with helm template CHART\n`,
    ]);
  });

  it.each(['10.0.0.256', '010.0.0.1', '10.0.0.0/33', 'fd00::1::2', 'fe80::1%eth0'])(
    'takes %s for an address that is none',
    async (text) => {
      const { code, err } = await runCli('check', ...all(), 'shop/web', text, '--port', '80');
      expect(err).toContain(`sluice: '${text}' is neither an IP address nor a block of them\n`);
      expect(code).toBe(2);
    },
  );

  it('answers no with exit code 1, and says how near it was', async () => {
    const { code, out } = await runCli('check', ...all(), 'shop/web', 'shop/db', '--port', '80');
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/^denied: shop\/web → shop\/db, TCP 80\n[^]*the rule is for TCP pg/u),
    ]);
  });

  it('answers as data, with tier, policy, rule and place of each side', async () => {
    const { out } = await runCli('check', ...all(), 'shop/web', 'shop/db', '-p', 'pg', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({
      from: 'shop/web',
      to: 'shop/db',
      port: 'pg',
      protocol: 'TCP',
      verdict: 'allow',
      ingress: { tier: 'default', policy: 'NetworkPolicy/shop/db', rule: 0, source: { line: 8, column: 7 } },
      egress: { kind: 'unselected', tier: null, policy: null, rule: null, source: null },
    });
  });

  it.each<[string, readonly string[], RegExp]>([
    ['nothing to read', ['a', 'b', '--port', '1'], /which cluster\? Add -f/u],
    ['no ends', ['-f', '.'], /from where to where\?/u],
    ['no port', ['-f', '.', 'a', 'b'], /which port\?/u],
    ['a port that is none', ['-f', '.', 'a', 'b', '--port', '70000'], /ports are from 1 to 65535/u],
    ['a range backwards', ['-f', '.', 'a', 'b', '--port', '9-8'], /ends before it begins/u],
    ['a port of ICMP', ['-f', '.', 'a', 'b', '--port', '1', '--protocol', 'icmp'], /ICMP has no ports/u],
    [
      'a protocol that is none',
      ['-f', '.', 'a', 'b', '--port', '1', '--protocol', 'TPC'],
      /must be TCP, UDP, SCTP, ICMP/u,
    ],
    [
      'a path that is not there',
      ['-f', 'nowhere.yaml', 'a', 'b', '--port', '1'],
      /nowhere\.yaml: no such file or folder/u,
    ],
  ])('refuses %s in one line', async (_, args, message) => {
    const { code, out, err } = await runCli('check', ...args);
    expect(err).toMatch(message);
    expect([code, out, err.trim().split('\n').length]).toEqual([2, '', 1]);
  });

  it('refuses manifests with mistakes, all of them, each at its place', async () => {
    const file = join(folder, 'mistakes.yaml');
    writeFileSync(
      file,
      `${POLICY.replace('podSelector', 'podSelecter')}---\n${APP.replace('containerPort', 'containerport')}---\na: [\n`,
    );
    const { code, err } = await runCli('check', '-f', file, 'shop/web', 'shop/db', '--port', '1');
    expect(code).toBe(2);
    expect(err.match(/mistakes\.yaml:\d+:\d+: .*/gu)).toEqual([
      expect.stringMatching(/:6:3: unknown field "spec\.podSelecter"; did you mean "spec\.podSelector"\?/u),
      expect.stringMatching(/:23:52: spec\.containers\[0\]\.ports\[0\]\.containerPort: Required value/u),
      expect.stringMatching(/:23:63: unknown field "spec\.containers\[0\]\.ports\[0\]\.containerport"/u),
      expect.stringMatching(/:26:1: Flow sequence/u),
    ]);
  });

  it('warns of what it does not understand in a policy, which fails closed', async () => {
    const file = join(folder, 'http.yaml');
    const http = `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: http, namespace: shop}
spec:
  selector: app == 'db'
  ingress: [{action: Allow, http: {methods: [GET]}}]
`;
    writeFileSync(file, http);
    const { code, err } = await runCli('check', ...all(), '-f', file, 'outside', 'shop/db', '--port', '5432');
    expect(err).toMatch(/warning: \S*http\.yaml:6:\d+: NetworkPolicy shop\/http, spec\.ingress\[0\]\.http/u);
    expect(code).toBe(1);
  });

  it('judges staged policies when asked to', async () => {
    const file = join(folder, 'staged.yaml');
    const staged = `apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {selector: app == 'web', types: [Ingress]}
`;
    writeFileSync(file, staged);
    const question = [...all(), '-f', file, 'shop/db', 'shop/web', '--port', '80'];
    expect((await runCli('check', ...question)).code).toBe(0);
    expect((await runCli('check', ...question, '--staged')).code).toBe(1);
  });

  it('answers a batch from standard input line by line, goes on after bad lines, and then exits with 2', () => {
    const lines = [
      '\uFEFF{"from":"shop/web","to":"shop/db","port":5432,"protocol":"TCP"}',
      '{"from":"shop/web","to":"shop/db","port":"pg"}\r',
      'nonsense',
      '',
      '{"from":"shop/wbe","to":"shop/db","port":1}',
      '{"from":"10.0.0.0/8","to":"shop/db","protocol":"ICMP"}',
      '{"from":"shop/web","to":"shop/db","port":"5431-5433"}',
    ];
    const { code, out } = spawnCli(['check', ...all(), '--batch', '-'], lines.join('\n'));
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers).toMatchObject([
      { from: 'shop/web', to: 'shop/db', port: 5432, protocol: 'TCP', verdict: 'allow', ingress: { rule: 0 } },
      { port: 'pg', protocol: 'TCP', verdict: 'allow' },
      { line: 3, error: expect.stringMatching(/^not JSON/u) as string },
      { line: 5, error: 'there is no pod shop/wbe; did you mean shop/web?' },
      { port: null, protocol: 'ICMP', verdict: 'deny', ingress: { policy: 'NetworkPolicy/shop/db', rule: null } },
      { port: '5431-5433', verdict: 'deny', mixed: true },
    ]);
    expect(code).toBe(2);
  });
});
