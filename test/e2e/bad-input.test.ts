import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, TestCluster, cleanHome, sluice } from './harness.ts';

/** One message, no stack trace, nothing on standard output, exit code 2. */
async function refuses(args: readonly string[], env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await sluice(args, env);
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
  for (const word of words) expect(stderr).toContain(word);
  expect(stderr).not.toMatch(/^\s+at /mu);
}

describe('bad input to the command line', () => {
  const home = cleanHome();
  afterAll(home.remove);

  it.each([
    [['upp'], ["unknown command 'upp'", 'up']],
    [
      ['up', '--nods', '3'],
      ["unknown option '--nods'", '--nodes'],
    ],
    [
      ['up', '--nodes', '0'],
      ['--nodes', 'from 1'],
    ],
    [
      ['up', '--backend', 'calico'],
      ['calico', 'vxlan'],
    ],
    [
      ['up', '--pod-cidr', '10.244.0.0/33'],
      ['--pod-cidr', '10.244.0.0/33'],
    ],
    [
      ['up', '--pod-cidr', '10.244.0.0/26'],
      ['--pod-cidr', '3 nodes'],
    ],
    [
      ['up', '--pod-cidr', '10.96.0.0/16'],
      ['--service-cidr', 'overlap'],
    ],
    [
      ['up', '--api-port', '70000'],
      ['--api-port', '65535'],
    ],
    [
      ['up', '--name', 'Not A Name'],
      ['--name', 'Not A Name'],
    ],
    [['why', 'a'], ["missing required argument 'to'"]],
    [['why', 'a', 'b'], ['--port']],
    [['why', 'a', 'b', '--port', '0'], ['1 to 65535']],
    [
      ['why', 'a', 'b', '--port', '80'],
      ["cluster 'sluice' is not running", 'sluice up'],
    ],
    [['status', '--kubeconfig', '/nonexistent'], ['/nonexistent']],
  ])('is refused with one message: %j', (args, words) => refuses(args, home.env, ...words));

  it('that names a taken port says so', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    await refuses(['up', '--api-port', String(port)], home.env, '--api-port', String(port), 'taken');
    server.close();
  });
});

describe('a running cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 1 });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each([
    ['policy-type', ['unknown field "spec.policyType"']],
    ['no-space', ['error']],
    ['ports-under-to', ['unknown field "spec.egress[0].to[0].ports"']],
    ['lower-case-api-version', ['apiVersion']],
    ['no-api-version', ['apiVersion']],
  ])('refuses the mistake %s and goes on as it was', async (name, words) => {
    const before = await cluster.ok('get networkpolicies -A -o name');
    const { code, stderr } = await cluster.run(`apply -f ${join(ROOT, 'examples/mistakes', `${name}.yaml`)}`);
    expect(code).not.toBe(0);
    for (const word of words) expect(stderr).toContain(word);
    expect(await cluster.ok('get networkpolicies -A -o name')).toBe(before);
  });

  it.each([
    ['a CIDR out of range', 'ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/33 } }] }]', 'cidr'],
    [
      'an exception outside of its block',
      'ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/24, except: [10.1.0.0/26] } }] }]',
      'except',
    ],
    ['a port out of range', 'ingress: [{ ports: [{ port: 70000 }] }]', 'port'],
    ['endPort below port', 'ingress: [{ ports: [{ port: 90, endPort: 80 }] }]', 'endPort'],
  ])('refuses %s with the field that is wrong', async (_name, rule, field) => {
    const metadata = '{ name: bad, namespace: default }';
    const { code, stderr } = await cluster.run(
      'apply -f -',
      `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: ${metadata}\nspec: { podSelector: {}, ${rule} }\n`,
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain(field);
  });

  it('refuses an unknown kind', async () => {
    const { code, stderr } = await cluster.run('apply -f -', 'apiVersion: v1\nkind: Podd\nmetadata: { name: a }\n');
    expect(code).not.toBe(0);
    expect(stderr).toContain('no matches for kind "Podd"');
  });

  it('accepts what is valid though easily confused', async () => {
    await cluster.apply('examples/mistakes/or-for-and.yaml');
    await cluster.apply('examples/mistakes/and-for-or.yaml');
    await cluster.ok('delete networkpolicy --all');
  });
});

describe('what an earlier run left behind', () => {
  it('is no obstacle: a stale socket and pid file count as not running', async () => {
    const home = cleanHome();
    const run = join(home.env['SLUICE_RUN_DIR']!, 'sluice');
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, 'control.sock'), '');
    const { code, stderr } = await sluice(['status'], home.env);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is not running') });
    expect((await sluice(['down'], home.env)).code).toBe(0);
    home.remove();
  });
});
