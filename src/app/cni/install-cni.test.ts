import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonLogger } from '../../base/log.ts';
import { parseNetworkList } from '../../host/cni-runtime/network-list.ts';
import { installCni, installCniOptions } from './install-cni.ts';

let directory: string;
let lines: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-install-'));
  lines = [];
  for (const name of ['image', 'bin', 'net.d', 'supplied']) mkdirSync(join(directory, name));
  executable('image/sluice', '#!plugin 1');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function executable(path: string, content: string): void {
  writeFileSync(join(directory, path), content);
  chmodSync(join(directory, path), 0o755);
}

async function install(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const at = (name: string): string => join(directory, name);
  const paths = { CNI_BIN_DIR: at('bin'), CNI_NET_DIR: at('net.d'), CNI_SUPPLIED_DIR: at('supplied') };
  const options = installCniOptions({ NODE_NAME: 'n"1', ...paths, ...env }, { executable: at('image/sluice') });
  const log = jsonLogger({ level: 'debug' }, { write: (line) => lines.push(line), now: () => '' });
  await installCni(options, { log });
}

function conflist(): ReturnType<typeof parseNetworkList> {
  return parseNetworkList(readFileSync(join(directory, 'net.d/10-sluice.conflist'), 'utf8'));
}

const TEMPLATE = `{"name": "net", "cniVersion": "0.3.1", "plugins": [
  {"type": "sluice", "nodename": "__KUBERNETES_NODE_NAME__", "mtu": __CNI_MTU__,
   "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"}}, {"type": "portmap"}]}`;

describe('install-cni', () => {
  it('installs the plugin, and the others of the chain where there are any', async () => {
    executable('supplied/portmap', 'portmap');
    await install();
    const capabilities = { portMappings: true, bandwidth: true };
    expect(conflist().plugins).toEqual([{ type: 'sluice', nodename: 'n"1', mtu: 0, capabilities }]);
    expect(readdirSync(join(directory, 'bin'))).toEqual(['sluice']);
    await install({ CNI_NETWORK_CONFIG: TEMPLATE });
    expect(readFileSync(join(directory, 'bin/sluice'), 'utf8')).toBe('#!plugin 1');
    expect(statSync(join(directory, 'bin/sluice')).mode & 0o777).toBe(0o755);
    expect(conflist().plugins.map(({ type }) => type)).toEqual(['sluice', 'portmap']);
    expect(readdirSync(join(directory, 'bin')).sort()).toEqual(['portmap', 'sluice']);
    expect(readdirSync(join(directory, 'net.d'))).toEqual(['10-sluice.conflist']);
  });

  it('installs the plugin, too, that gives out the addresses in the template', async () => {
    executable('supplied/host-local', 'host-local');
    const ipam = { type: 'host-local', subnet: 'usePodCidr' };
    const template = { name: 'net', cniVersion: '0.3.1', plugins: [{ type: 'sluice', ipam }] };
    await install({ CNI_NETWORK_CONFIG: JSON.stringify(template) });
    expect(readdirSync(join(directory, 'bin')).sort()).toEqual(['host-local', 'sluice']);
  });

  it('misses no plugin for addresses that the agent gives out, whatever a template calls it', async () => {
    const template = { name: 'net', cniVersion: '0.3.1', plugins: [{ type: 'sluice', ipam: { type: 'calico-ipam' } }] };
    await install({ CNI_NETWORK_CONFIG: JSON.stringify(template) });
    expect(lines.join()).not.toContain('not installed');
  });

  it.each([
    ['calico', '10-calico.conflist', { plugins: [{ type: 'calico' }, { type: 'portmap' }] }],
    ['flannel', '10-flannel.conflist', { plugins: [{ type: 'flannel' }] }],
    ['canal', '10-canal.conflist', { plugins: [{ type: 'calico' }] }],
    ['flannel', '05-old.conf', { type: 'flannel' }],
  ])('moves the configuration of %s aside when it replaces it, and nothing else', async (before, name, config) => {
    writeFileSync(join(directory, 'net.d', name), JSON.stringify(config));
    writeFileSync(join(directory, 'net.d/00-multus.conf'), '{"type": "multus"}');
    writeFileSync(join(directory, 'net.d/01-notes.json'), 'not JSON');
    await install();
    expect(readdirSync(join(directory, 'net.d'))).toContain(name);
    await install({ SLUICE_NETWORK_BEFORE: before });
    expect(readdirSync(join(directory, 'net.d')).sort()).toEqual(
      ['00-multus.conf', '01-notes.json', '10-sluice.conflist', `${name}.before-sluice`].sort(),
    );
    await expect(install({ SLUICE_NETWORK_BEFORE: 'weave' })).rejects.toThrow('SLUICE_NETWORK_BEFORE is "weave"');
  });

  it('fills the template of the ConfigMap', async () => {
    await install({ CNI_NETWORK_CONFIG: TEMPLATE, CNI_MTU: '1400' });
    const [sluice, portmap] = conflist().plugins;
    const kubeconfig = join(directory, 'net.d/sluice-kubeconfig');
    expect(sluice).toEqual({ type: 'sluice', nodename: 'n"1', mtu: 1400, kubernetes: { kubeconfig } });
    expect(portmap).toEqual({ type: 'portmap' });
    expect(lines.join()).toContain('"missing":["portmap"]');
  });

  it('leaves an identical plugin alone, replaces another one, and follows no link to it', async () => {
    await install();
    const before = statSync(join(directory, 'bin/sluice')).ino;
    await install();
    expect(statSync(join(directory, 'bin/sluice')).ino).toBe(before);
    executable('image/sluice', '#!plugin 2');
    await install();
    expect(readFileSync(join(directory, 'bin/sluice'), 'utf8')).toBe('#!plugin 2');
    rmSync(join(directory, 'bin/sluice'));
    symlinkSync(join(directory, 'image/sluice'), join(directory, 'bin/sluice'));
    await install();
    expect(lines.at(-1)).toContain('"change":"unchanged"');
  });

  it.each([
    ['not JSON', '{', /cni_network_config is not JSON/],
    [
      'another plugin first',
      '{"name":"n","cniVersion":"1.0.0","plugins":[{"type":"calico"}]}',
      /must be "sluice", it is "calico"/,
    ],
    [
      'an unknown version',
      '{"name":"n","cniVersion":"9","plugins":[{"type":"sluice"}]}',
      /cniVersion "9" is not supported/,
    ],
    [
      'an unknown placeholder',
      '{"name":"__X__","cniVersion":"1.0.0","plugins":[{"type":"sluice"}]}',
      /unknown placeholder __X__/,
    ],
  ])('changes nothing when the template is %s', async (_, template, message) => {
    await install();
    const before = readFileSync(join(directory, 'net.d/10-sluice.conflist'), 'utf8');
    executable('image/sluice', '#!plugin 2');
    await expect(install({ CNI_NETWORK_CONFIG: template })).rejects.toThrow(message);
    expect(readFileSync(join(directory, 'net.d/10-sluice.conflist'), 'utf8')).toBe(before);
    expect(readFileSync(join(directory, 'bin/sluice'), 'utf8')).toBe('#!plugin 1');
  });

  it('names every mistake in its environment', () => {
    expect(() => installCniOptions({ CNI_MTU: '9', CNI_CONF_NAME: 'a/b' }, { executable: '' })).toThrow(
      /NODE_NAME is not set.*CNI_MTU is "9".*CNI_CONF_NAME is "a\/b"/,
    );
  });

  it('warns of a configuration that the runtime would prefer', async () => {
    writeFileSync(join(directory, 'net.d/05-other.conflist'), '{}');
    await install();
    expect(lines.join()).toContain('"earlier":["05-other.conflist"]');
  });
});

describe('install-cni for policy alone', () => {
  const POLICY_ONLY = { SLUICE_NETWORKING: 'policy-only', CNI_CONF_NAME: '00-sluice.conflist' };
  const written = (): unknown => JSON.parse(readFileSync(join(directory, 'net.d/00-sluice.conflist'), 'utf8'));

  it('comes behind the plugins of the network that is there, and again without growing', async () => {
    const flannel = {
      name: 'cbr0',
      cniVersion: '0.3.1',
      plugins: [{ type: 'flannel', delegate: {} }, { type: 'portmap' }],
    };
    writeFileSync(join(directory, 'net.d/10-flannel.conflist'), JSON.stringify(flannel));
    await install(POLICY_ONLY);
    await install(POLICY_ONLY);
    expect(written()).toEqual({ ...flannel, plugins: [...flannel.plugins, { type: 'sluice' }] });
    expect(readdirSync(join(directory, 'net.d'))).toEqual(['00-sluice.conflist', '10-flannel.conflist']);
  });

  it('makes a list of a configuration of one plugin', async () => {
    const ptp = { name: 'pairs', cniVersion: '0.4.0', type: 'ptp', ipam: { type: 'host-local' } };
    writeFileSync(join(directory, 'net.d/20-ptp.conf'), JSON.stringify(ptp));
    await install(POLICY_ONLY);
    const { name, cniVersion, ...plugin } = ptp;
    expect(written()).toEqual({ name, cniVersion, plugins: [plugin, { type: 'sluice' }] });
  });

  it('says what is missing, and writes nothing, where there is no network yet or none that can be read', async () => {
    await expect(install(POLICY_ONLY)).rejects.toThrow(/has no network configuration for Sluice to come behind/);
    writeFileSync(join(directory, 'net.d/10-broken.conflist'), '{');
    await expect(install(POLICY_ONLY)).rejects.toThrow(/10-broken.conflist cannot be read/);
    expect(readdirSync(join(directory, 'net.d'))).toEqual(['10-broken.conflist']);
  });

  it('takes a whole chain from the ConfigMap, with our plugin at any place in it', async () => {
    const chain = (...types: string[]) =>
      JSON.stringify({ name: 'net', cniVersion: '1.0.0', plugins: types.map((type) => ({ type })) });
    await install({ ...POLICY_ONLY, CNI_NETWORK_CONFIG: chain('bridge', 'sluice', 'portmap') });
    expect(written()).toMatchObject({ plugins: [{ type: 'bridge' }, { type: 'sluice' }, { type: 'portmap' }] });
    await expect(install({ ...POLICY_ONLY, CNI_NETWORK_CONFIG: chain('bridge') })).rejects.toThrow(/must be "sluice"/);
  });
});
