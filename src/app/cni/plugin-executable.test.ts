import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerCni, CNI_ERROR, CniError, decodeRequest } from '../../core/cni/index.ts';
import type { CniResult, CniService } from '../../core/cni/index.ts';
import { builtPlugin, FakeAgent, run } from './plugin-executable.test-support.ts';
import type { Run } from './plugin-executable.test-support.ts';

const RESULT: CniResult = {
  interfaces: [
    { name: 'slc0123456789a', mac: 'ee:ee:ee:ee:ee:ee', mtu: 1450 },
    { name: 'eth0', sandbox: '/run/netns/x' },
  ],
  ips: [
    { address: '10.244.0.5/32', interface: 1 },
    { address: 'fd00:10:244::5/128', interface: 1 },
  ],
  routes: [{ dst: '0.0.0.0/0', gw: '169.254.1.1', mtu: 1450 }],
};

const SERVICE: CniService = {
  add: () => Promise.resolve(RESULT),
  del: () => Promise.resolve(),
  check: () => Promise.reject(new CniError(CNI_ERROR.checkFailed, 'the route is gone', '10.244.0.5/32')),
  gc: () => Promise.resolve(),
  status: () => Promise.reject(new CniError(CNI_ERROR.pluginNotAvailable, 'no block yet')),
};

const POD = {
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/x',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=dev;K8S_POD_NAME=web;K8S_POD_UID=u1',
};

let plugin: string;
beforeAll(() => {
  plugin = builtPlugin();
});

function agent(service: Partial<CniService> = {}): Promise<FakeAgent> {
  return FakeAgent.start((line) => answerCni(line, { ...SERVICE, ...service }));
}

function call(
  command: string,
  { socket, directory }: FakeAgent,
  config: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = POD,
): Promise<Run> {
  const paths = { agent_socket: socket, pending_del_dir: join(directory, 'pending-del') };
  const stdin = JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'sluice', ...paths, ...config });
  return run(plugin, { CNI_COMMAND: command, ...env }, stdin);
}

function errorOf({ code, stdout }: Run): { code: number; msg: string; details?: string; cniVersion: string } {
  expect(code).toBe(1);
  return JSON.parse(stdout);
}

function pending({ directory }: FakeAgent): readonly string[] {
  try {
    return readdirSync(join(directory, 'pending-del'));
  } catch {
    return [];
  }
}

describe('ADD', () => {
  it('passes everything on to the agent and prints its result', async () => {
    await using fake = await agent();
    const { code, stdout, stderr } = await call('ADD', fake, { extra: { deep: [1] } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ cniVersion: '1.1.0', ...RESULT, dns: {} });
    expect(decodeRequest(fake.lines[0]!)).toMatchObject({
      command: 'ADD',
      containerId: 'c0ffee',
      netns: '/run/netns/x',
      ifname: 'eth0',
      args: POD.CNI_ARGS,
      path: '/opt/cni/bin',
      config: { name: 'net', extra: { deep: [1] } },
    });
  });

  it.each([
    ['0.3.1', '4', undefined],
    ['0.4.0', '4', undefined],
    ['1.0.0', undefined, undefined],
    ['1.1.0', undefined, 1450],
  ])('prints the result as version %s has it', async (cniVersion, version, mtu) => {
    await using fake = await agent();
    const result = JSON.parse((await call('ADD', fake, { cniVersion })).stdout);
    expect(result.cniVersion).toBe(cniVersion);
    expect(result.ips[0].version).toBe(version);
    expect(result.interfaces[0].mtu).toBe(mtu);
    expect(result.routes[0].mtu).toBe(mtu);
  });

  it('asks to be tried again when the agent is not running', async () => {
    await using fake = await agent();
    await fake.stop();
    const error = errorOf(await call('ADD', fake));
    expect(error).toMatchObject({ code: 11, cniVersion: '1.1.0' });
    expect(error.msg).toContain(`agent at ${fake.socket} is not running`);
  });

  it('asks to be tried again when the agent dies over the request', async () => {
    await using fake = await FakeAgent.start(() => Promise.resolve(undefined));
    expect(errorOf(await call('ADD', fake)).code).toBe(11);
  });

  it('gives up on an agent that does not answer', async () => {
    await using fake = await FakeAgent.start(() => new Promise(() => undefined));
    const error = errorOf(await call('ADD', fake, { timeout_seconds: 0.05 }));
    expect(error.code).toBe(11);
    expect(error.msg).toContain('did not answer within 0.05 s');
  });

  it('carries requests and results larger than a pipe', async () => {
    const many = Array.from({ length: 8000 }, (_, i) => ({ dst: `10.${i >> 8}.${i & 255}.0/24` }));
    await using fake = await agent({ add: () => Promise.resolve({ ...RESULT, routes: many }) });
    const { code, stdout } = await call('ADD', fake, { padding: 'x'.repeat(600_000) });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).routes).toHaveLength(8000);
    expect(fake.lines[0]!.length).toBeGreaterThan(600_000);
  });
});

describe('DEL', () => {
  it('succeeds without a network namespace and prints nothing', async () => {
    await using fake = await agent();
    const { CNI_NETNS: _netns, ...env } = POD;
    expect(await call('DEL', fake, {}, env)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('succeeds with an earlier result that nobody can read', async () => {
    await using fake = await agent();
    const prevResult = { ips: [{ address: 'x' }] };
    expect(await call('DEL', fake, { prevResult })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('succeeds with the agent down and leaves it one note, however often it is called', async () => {
    await using fake = await agent();
    await fake.stop();
    expect((await call('DEL', fake)).code).toBe(0);
    expect((await call('DEL', fake)).code).toBe(0);
    expect(pending(fake)).toEqual(['c0ffee-eth0.json']);
    const note = readFileSync(join(fake.directory, 'pending-del', 'c0ffee-eth0.json'), 'utf8');
    expect(decodeRequest(note.trim())).toMatchObject({ command: 'DEL', containerId: 'c0ffee', ifname: 'eth0' });
  });

  it('takes its note back when the agent answers after all', async () => {
    let calls = 0;
    await using fake = await FakeAgent.start((line) =>
      calls++ === 0 ? Promise.resolve(undefined) : answerCni(line, SERVICE),
    );
    expect((await call('DEL', fake)).code).toBe(0);
    expect(pending(fake)).toEqual([]);
  });

  it('fails when the agent is down and the note cannot be written', async () => {
    await using fake = await agent();
    await fake.stop();
    writeFileSync(join(fake.directory, 'file'), '');
    const error = errorOf(await call('DEL', fake, { pending_del_dir: join(fake.directory, 'file', 'below') }));
    expect(error.code).toBe(5);
  });
});

describe('CHECK, GC, STATUS and VERSION', () => {
  it('CHECK passes on what the agent found', async () => {
    await using fake = await agent();
    expect(errorOf(await call('CHECK', fake, { prevResult: { ips: [{ address: '10.244.0.5/32' }] } }))).toEqual({
      cniVersion: '1.1.0',
      code: 101,
      msg: 'the route is gone',
      details: '10.244.0.5/32',
    });
  });

  it('GC names the attachments that are still valid', async () => {
    const seen: unknown[] = [];
    await using fake = await agent({
      gc: (_config, valid) => {
        seen.push(...valid);
        return Promise.resolve();
      },
    });
    const valid = [{ containerID: 'a', ifname: 'eth0' }];
    expect((await call('GC', fake, { 'cni.dev/valid-attachments': valid }, {})).code).toBe(0);
    expect(seen).toEqual(valid);
  });

  it('GC without the list removes nothing', async () => {
    await using fake = await agent({ gc: () => Promise.reject(new Error('must not be called')) });
    expect(errorOf(await call('GC', fake, {}, {})).code).toBe(7);
  });

  it('STATUS is 50 when the agent is not ready, and when it is down', async () => {
    await using fake = await agent();
    expect(errorOf(await call('STATUS', fake, {}, {}))).toMatchObject({ code: 50, msg: 'no block yet' });
    await fake.stop();
    expect(errorOf(await call('STATUS', fake, {}, {}))).toMatchObject({ code: 50 });
  });

  it.each([
    ['CHECK', '0.3.1', POD],
    ['GC', '1.0.0', {}],
    ['STATUS', '0.4.0', {}],
  ])('%s is refused for version %s, which does not have it', async (command, cniVersion, env) => {
    await using fake = await agent();
    expect(errorOf(await call(command, fake, { cniVersion }, env))).toMatchObject({ code: 1, cniVersion });
    expect(fake.lines).toEqual([]);
  });

  it('VERSION needs no agent', async () => {
    const { code, stdout } = await run(plugin, { CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.0.0"}');
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 0,
      cniVersion: '1.0.0',
      supportedVersions: ['0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    });
  });

  it('VERSION answers without a configuration, as people ask at a shell', async () => {
    const { code, stdout } = await run(plugin, { CNI_COMMAND: 'VERSION' }, '');
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, cniVersion: '1.1.0' });
  });
});

describe('bad input', () => {
  it.each([
    ['no command', { CNI_COMMAND: '' }, 4, /CNI_COMMAND is not set/],
    ['an unknown command', { CNI_COMMAND: 'add' }, 4, /CNI_COMMAND is "add": expected ADD, /],
    ['no container id', { CNI_CONTAINERID: '' }, 4, /CNI_CONTAINERID is not set/],
    ['a container id that is a path', { CNI_CONTAINERID: '../x' }, 4, /CNI_CONTAINERID "\.\.\/x" must begin/],
    ['an interface name that is too long', { CNI_IFNAME: 'eth0123456789012' }, 4, /longer than 15 characters/],
    ['an interface name with a slash', { CNI_IFNAME: 'a/b' }, 4, /must not contain/],
    ['an interface named ..', { CNI_IFNAME: '..' }, 4, /not an interface name/],
    ['no namespace', { CNI_NETNS: '' }, 4, /CNI_NETNS is not set/],
    ['arguments that are none', { CNI_ARGS: 'K8S_POD_NAME' }, 4, /CNI_ARGS: "K8S_POD_NAME" is not KEY=VALUE/],
  ])('%s', async (_, env, code, message) => {
    await using fake = await agent();
    const error = errorOf(await call('ADD', fake, {}, { CNI_COMMAND: 'ADD', ...POD, ...env }));
    expect(error.code).toBe(code);
    expect(error.msg).toMatch(message);
    expect(fake.lines).toEqual([]);
  });

  it.each([
    ['an unknown version', { cniVersion: '2.0.0' }, 1, /"2\.0\.0", sluice supports 0\.3\.1, 0\.4\.0, 1\.0\.0, 1\.1\.0/],
    ['no version', { cniVersion: undefined }, 1, /has no cniVersion/],
    ['no name', { name: undefined }, 7, /name must be a non-empty string/],
    ['several mistakes at once', { name: '', mtu: 12, agent_socket: 'x' }, 7, /name.*agent_socket.*mtu/],
    ['a previous result that is none', { prevResult: { ips: [{ address: 'x' }] } }, 6, /prevResult ips\[0\]\.address/],
  ])('%s', async (_, config, code, message) => {
    await using fake = await agent();
    const error = errorOf(await call('ADD', fake, config));
    expect(error.code).toBe(code);
    expect(error.msg).toMatch(message);
    expect(fake.lines).toEqual([]);
  });

  it.each([
    ['', /there is no network configuration on stdin/],
    ['{"cniVersion"', /stdin is not JSON/],
    ['[]', /not a JSON object/],
  ])('stdin %j', async (stdin, message) => {
    const error = errorOf(await run(plugin, { CNI_COMMAND: 'ADD', ...POD }, stdin));
    expect(error.code).toBe(6);
    expect(error.msg).toMatch(message);
  });

  it('an answer that is no reply', async () => {
    await using fake = await FakeAgent.start(() => Promise.resolve('gibberish\n'));
    expect(errorOf(await call('ADD', fake)).code).toBe(6);
  });
});

describe('the environment of the runtime', () => {
  it.each([
    ['BUN_BE_BUN', '1'],
    ['BUN_OPTIONS', '--preload=/nonexistent.js'],
    ['BUN_INSPECT', 'ws://127.0.0.1:1/x?wait=1'],
    ['NODE_OPTIONS', '--require=/nonexistent.js'],
    ['NODE_EXTRA_CA_CERTS', '/nonexistent.pem'],
    ['NODE_ENV', 'development'],
  ])('does not change what the plugin does: %s', async (name, value) => {
    await using fake = await agent();
    const { code, stdout, stderr } = await call('ADD', fake, {}, { ...POD, [name]: value });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).ips).toHaveLength(2);
  });

  it('may have a bunfig.toml and a .env in its directory', async () => {
    await using fake = await agent();
    const cwd = join(fake.directory, 'cwd');
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["/nonexistent.js"]\n');
    writeFileSync(join(cwd, '.env'), 'CNI_COMMAND=DEL\n');
    const { code, stdout } = await run(plugin, {}, '{}', cwd);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).msg).toContain('CNI_COMMAND is not set');
  });
});
