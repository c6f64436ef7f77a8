import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT, runCli, spawnCli } from '../run-cli.test-support.ts';

const examples = join(ROOT, 'examples/policy-tests');

const CLUSTER = `
{ apiVersion: v1, kind: Node, metadata: { name: n1 }, status: { addresses: [{ type: InternalIP, address: 192.0.2.1 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { namespace: a, name: web, labels: { app: web } }, spec: { nodeName: n1, containers: [{ name: c, image: i, ports: [{ name: http, containerPort: 8080 }] }] }, status: { podIPs: [{ ip: 10.244.0.2 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { namespace: a, name: odd, labels: { app: web } }, spec: { nodeName: n1, containers: [{ name: c, image: i, ports: [{ name: http, containerPort: 9090 }] }] }, status: { podIPs: [{ ip: 10.244.0.3 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { namespace: b, name: client, labels: { app: client } }, spec: { nodeName: n1, containers: [{ name: c, image: i }] }, status: { podIPs: [{ ip: 10.244.0.4 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { namespace: b, name: agent }, spec: { hostNetwork: true, nodeName: n1, containers: [{ name: c, image: i }] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: a }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress:
    - from: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: b } } }]
      ports: [{ port: 8080 }]
    - from: [{ ipBlock: { cidr: 198.51.100.0/24 } }]
      ports: [{ port: 8080 }]
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  writeFileSync(join(folder, 'cluster.yaml'), CLUSTER);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly pass: number;
  readonly tests: readonly {
    readonly outcome: string;
    readonly message?: string;
    readonly counterExample?: { readonly from: string; readonly to: string; readonly port?: number };
  }[];
}

/** Outcome and counter-example of one test in flow style. */
async function outcome(test: string): Promise<string> {
  const spec = join(folder, 'spec.yaml');
  writeFileSync(spec, `files: [cluster.yaml]\ntests: [{ ${test} }]\n`);
  const { code, out, err } = await runCli('test', spec, '-o', 'json');
  expect(err).toBe('');
  const [result] = (JSON.parse(out) as Report).tests;
  expect(code).toBe({ pass: 0, fail: 1, error: 2 }[result!.outcome]);
  if (result!.outcome === 'error') return `error: ${result!.message}`;
  const { from, to, port } = result!.counterExample ?? {};
  return from === undefined ? result!.outcome : `${result!.outcome}: ${from} → ${to} ${port}`;
}

describe('sluice test', () => {
  it.each([
    ['allow: { from: b/client, to: a/web, port: 8080 }', 'pass'],
    ['allow: { from: b/client, to: a/web, port: 8081 }', 'fail: b/client → a/web 8081'],
    ['allow: { from: b/client, to: a/web, port: 8080-8090 }', 'fail: b/client → a/web 8081'],
    ['deny: { from: b/client, to: a/web, port: 8080 }', 'fail: b/client → a/web 8080'],
    ['deny: { from: b/client, to: a/web, port: 1-8079 }', 'pass'],
    ['deny: { from: b/client, to: a/web }', 'fail: b/client → a/web 8080'],
    // A name means the number that each destination gives it.
    ['allow: { from: b/client, to: a/web, port: http }', 'pass'],
    ['allow: { from: b/client, to: { namespace: a }, port: http }', 'fail: b/client → a/odd 9090'],
    ['allow: { from: 198.51.100.0/24, to: { namespace: a }, port: 8080 }', 'pass'],
    ['allow: { from: 198.51.0.0/16, to: { namespace: a }, port: 8080 }', 'fail: 198.51.0.1 → a/odd 8080'],
    ['only: { from: [{ namespace: b }, 198.51.100.0/24], to: a/web, port: 8080 }', 'pass'],
    ['only: { from: { namespace: b }, to: a/web, port: 8080 }', 'fail: 198.51.100.1 → a/web 8080'],
    ['only: { from: b/client, to: { namespace: a }, port: 8080, exclusive: to }', 'fail: b/client → 203.0.113.10 8080'],
    ['never: { from: { not: [{ namespace: b }, outside] }, to: { namespace: a } }', 'pass'],
    ['never: { from: { namespace: nowhere }, to: { namespace: a } }', 'pass'],
    [
      'deny: { from: { namespace: nowhere }, to: { namespace: a } }',
      'error: nobody in the cluster is meant by from: pods in nowhere',
    ],
    ['deny: { from: b/clinet, to: a/web }', 'error: there is no pod b/clinet; did you mean b/client?'],
    ['never: { from: node/n2, to: a/web }', 'error: there is no node n2; did you mean n1?'],
    [
      'allow: { from: b/client, to: b/client, port: 80 }',
      'error: no connection is meant: both sides are the same pod, or outside of the cluster',
    ],
    // A node and its own pods are no policy's business, and a pod with hostNetwork is its node.
    ['never: { from: nodes, to: { namespace: a } }', 'pass'],
    ['allow: { from: b/agent, to: a/web, port: 9 }', 'pass'],
    ['deny: { from: 10.244.0.4, to: a/web, port: 8080 }', 'fail: b/client → a/web 8080'],
    ['allow: { from: a/web, to: b/client, protocol: ICMP }', 'pass'],
    ['deny: { from: outside, to: a/web, protocol: ICMP }', 'pass'],
  ])('%s: %s', async (test, wanted) => {
    expect(await outcome(test)).toBe(wanted);
  });

  it('leaves IPv6 out of tests that are about IPv4', async () => {
    const spec = join(folder, 'six.yaml');
    const bare = CLUSTER.replaceAll(
      /, status: \{ podIPs: [^}]*\} \] \}|, status: \{ podIPs: \[\{ ip: [^ ]* \}\] \}/gu,
      '',
    ).replace(/status: \{ addresses[^}]*\}\] \}/u, 'status: {}');
    writeFileSync(join(folder, 'bare.yaml'), bare);
    const test = 'tests: [{ allow: { from: outside, to: b/client, port: 80 } }]';
    writeFileSync(spec, `files: [bare.yaml]\nfamily: 4\n${test}`);
    expect(await runCli('test', spec)).toMatchObject({ code: 0 });
  });
});

describe('reports', () => {
  const spec = () => {
    const file = join(folder, 'mixed.yaml');
    writeFileSync(
      file,
      'files: [cluster.yaml]\ntests:\n' +
        '  - { name: "good # <one>", allow: { from: b/client, to: a/web, port: 8080 } }\n' +
        '  - { name: bad & ugly, deny: { from: b/client, to: a/web } }\n' +
        '  - { name: lost, deny: { from: a/nobody, to: a/web } }\n',
    );
    return file;
  };

  it('text names the place of a failing test and explains its counter-example', async () => {
    const { code, out } = await runCli('test', spec());
    expect(code).toBe(2);
    expect(out).toMatch(/FAIL {3}bad & ugly {2}\(.*mixed\.yaml:4:5\)/u);
    expect(out).toContain('should be denied, and is allowed: b/client → a/web TCP 8080');
    expect(out).toContain('ingress of a/web: allowed by NetworkPolicy a/web, spec.ingress[0]');
    expect(out).toContain('3 tests: 1 passed, 1 failed, 1 in error');
  });

  it('TAP has a line a test and valid YAML below those that failed', async () => {
    const { out } = await runCli('test', spec(), '-o', 'tap');
    const lines = out.split('\n');
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '1..3', 'ok 1 - good \\# <one>']);
    const blocks = [...out.matchAll(/^ {2}---\n([\s\S]*?)^ {2}\.\.\.$/gmu)].map((match) => parse(match[1]!) as unknown);
    expect(blocks).toMatchObject([
      { severity: 'fail', why: expect.stringContaining('allowed') },
      { severity: 'error' },
    ]);
  });

  it('JUnit escapes what XML must not hold', async () => {
    const { out } = await runCli('test', spec(), '-o', 'junit');
    expect(out).toContain('<testsuites name="sluice test" tests="3" failures="1" errors="1">');
    expect(out).toContain('name="good # &lt;one&gt;"');
    expect(out).toContain('name="bad &amp; ugly"');
    expect(out).toMatch(/<error message="there is no pod a\/nobody[^"]*">/u);
  });

  it.skipIf(spawnSync('xmllint', ['--version']).status !== 0)('JUnit is well-formed', async () => {
    const { out } = await runCli('test', spec(), '-o', 'junit');
    expect(spawnSync('xmllint', ['--noout', '-'], { input: out, encoding: 'utf8' }).stderr).toBe('');
  });

  it('explains in Chinese when asked to', async () => {
    const { out } = await runCli('test', spec(), '--lang', 'zh-CN');
    expect(out).toMatch(/[\u4e00-\u9fff]/u);
  });
});

describe('bad input is refused with one message', () => {
  it.each([
    [['/nonexistent.yaml'], '/nonexistent.yaml'],
    [[join(examples, 'manifests/shop.yaml')], 'this is a manifest of kind Deployment, not a spec of tests'],
    [[join(examples, 'shop.yaml'), '-f', '/nonexistent'], '/nonexistent: no such file or folder'],
    [[], "missing required argument 'spec'"],
    [[join(examples, 'shop.yaml'), '-o', 'xml'], 'Allowed choices are text, tap, junit, json'],
  ])('%j', async (args, words) => {
    const { code, out, err } = await runCli('test', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(words);
  });

  it('when a folder holds no spec', async () => {
    const { code, err } = await runCli('test', join(examples, 'manifests'));
    expect(code).toBe(2);
    expect(err).toContain('manifests: no file in this folder is a spec of tests');
  });

  it('when neither the spec nor the command names manifests', async () => {
    const file = join(folder, 'none.yaml');
    writeFileSync(file, 'tests: [{ deny: { to: a } }]');
    expect(await runCli('test', file)).toMatchObject({ code: 2, err: expect.stringContaining('which manifests?') });
  });

  it('when a manifest that the spec names has a mistake, with its place', async () => {
    writeFileSync(
      join(folder, 'broken.yaml'),
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: a }\nspec: { podSelectr: {} }\n',
    );
    const file = join(folder, 'of-broken.yaml');
    writeFileSync(file, 'files: broken.yaml\ntests: [{ deny: { to: a } }]');
    const { code, err } = await runCli('test', file);
    expect(code).toBe(2);
    expect(err).toMatch(/broken\.yaml:4:\d+: .*did you mean "spec.podSelector"/u);
  });
});

describe('the examples', () => {
  it('are found by their folder, and what is no spec is left alone', async () => {
    const { code, out } = await runCli('test', examples);
    expect(code).toBe(0);
    expect(out).toContain('shop.yaml');
    expect(out).not.toContain('manifests');
  });

  it.each(readdirSync(examples).filter((name) => name.endsWith('.yaml')))(
    '%s holds, through the real command',
    (name) => {
      const { code, out, err } = spawnCli(['test', join('examples/policy-tests', name)]);
      expect({ code, err }, out).toEqual({ code: 0, err: '' });
    },
  );
});
