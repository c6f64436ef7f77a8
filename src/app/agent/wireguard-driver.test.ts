import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { DEFAULT_WIREGUARD, WIREGUARD_TABLE } from '../../core/wireguard/index.ts';
import type { WireguardInput } from '../../core/wireguard/index.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { FakeWireguard } from '../../host/wireguard/fake.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import { WireguardDriver } from './wireguard-driver.ts';
import type { WireguardDriverDependencies } from './wireguard-driver.ts';
import { textFile, textInMemory } from './text-file.ts';

const PEER = publicKeyOf(newPrivateKey());
const ON = { ...DEFAULT_WIREGUARD, 4: { ...DEFAULT_WIREGUARD[4], enabled: true } };

let netlink: Netlink;
let wireguard: FakeWireguard;
let input: Omit<WireguardInput, 'greeted'>;
let rotation = '';
let published: (string | undefined)[];
let driver: WireguardDriver;

function open(change: Partial<WireguardDriverDependencies> = {}): WireguardDriver {
  return new WireguardDriver({
    netlink,
    openWireguard: () => wireguard,
    sysctl: new FakeSysctl({ 'net/ipv4/conf/all/rp_filter': '1', 'net/ipv4/conf/wg.sluice/rp_filter': '0' }),
    keys: textInMemory(),
    log: silentLogger,
    settings: () => input.settings,
    input: () => input,
    rotation: () => rotation,
    onTunnels: () => undefined,
    onKeysChanged: () => void published.push(driver.keys[4]),
    ...change,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  netlink = new FakeNetwork().netlink();
  wireguard = new FakeWireguard((name) => netlink.link(name)?.kind === 'wireguard');
  rotation = '';
  published = [];
  const node = (name: string, address: string) => ({ name, addresses: [parseIp(address)!], tunnelAddresses: {} });
  input = {
    node: 'n1',
    settings: ON,
    keys: new Map([['n2', { 4: PEER }]]),
    nodes: new Map([
      ['n1', node('n1', '172.30.1.11')],
      ['n2', node('n2', '172.30.1.12')],
    ]),
    blocks: [{ cidr: parseCidr('10.244.2.0/26')!, node: 'n2', elsewhere: [] }],
    pools: [{ cidr: parseCidr('10.244.0.0/16')! }],
    endpoints: [],
    underlay: { mtu: 1500, peerMtu: new Map() },
  };
  driver = open();
});
afterEach(() => {
  driver.stop();
  vi.useRealTimers();
});

const routes = (): string[] =>
  netlink.routes({ table: WIREGUARD_TABLE }).map(({ destination }) => formatCidr(destination));

/** The peer answers, and the driver finds out. */
async function greet(key = PEER): Promise<void> {
  wireguard.greet('wg.sluice', key, 1_700_000_000);
  await vi.advanceTimersByTimeAsync(2000);
}

it('touches nothing while WireGuard is off', () => {
  input = { ...input, settings: DEFAULT_WIREGUARD };
  driver.start();
  expect(netlink.links().map(({ name }) => name)).toEqual(['lo']);
  expect([driver.keys, driver.podMtu, driver.status(), published]).toEqual([{}, undefined, undefined, []]);
});

it('receives before it announces its key, and sends only when the peer has answered', async () => {
  driver.start();
  const device = wireguard.device('wg.sluice')!;
  expect(device).toMatchObject({ publicKey: published[0], listenPort: 51820 });
  // Sending something now and then makes the kernel greet.
  expect(device.peers).toMatchObject([{ publicKey: PEER, keepaliveSeconds: 5 }]);
  expect(netlink.link('wg.sluice')).toMatchObject({ mtu: 1440, up: true });
  expect([routes(), driver.podMtu]).toEqual([[], 1440]);
  await greet();
  expect(routes()).toEqual(['10.244.2.0/26']);
  expect(netlink.rules({ protocol: 81 })).toMatchObject([{ priority: 99, table: WIREGUARD_TABLE }]);
  expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ keepaliveSeconds: 0 }]);
  expect(driver.status()).toMatchObject({ devices: [{ device: 'wg.sluice', peers: 1, greeted: 1 }] });
});

it('goes on encrypting when a peer changes its key', async () => {
  driver.start();
  await greet();
  const fresh = publicKeyOf(newPrivateKey());
  input = { ...input, keys: new Map([['n2', { 4: fresh }]]) };
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(routes()).toEqual(['10.244.2.0/26']);
  expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ publicKey: fresh, allowedIps: [{ prefix: 26 }] }]);
  await greet(fresh);
  expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ keepaliveSeconds: 0 }]);
});

it('reaches a peer as before when it withdraws its key', async () => {
  driver.start();
  await greet();
  input = { ...input, keys: new Map() };
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect([routes(), wireguard.device('wg.sluice')!.peers]).toEqual([[], []]);
});

it('chooses another key when the Node wishes for one, once', async () => {
  driver.start();
  rotation = 'monday';
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(new Set(published).size).toBe(2);
  expect(published).toHaveLength(2);
  expect(wireguard.device('wg.sluice')!.publicKey).toBe(published[1]);
});

it('leaves where the peer’s packets come from to the kernel, until its address changes', async () => {
  driver.start();
  await greet();
  const roamed = { ip: parseIp('172.30.9.9')!, port: 4242 };
  wireguard.configure('wg.sluice', {
    peers: [{ publicKey: PEER, endpoint: roamed, allowedIps: [parseCidr('10.244.2.0/26')!] }],
  });
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(wireguard.device('wg.sluice')!.peers[0]!.endpoint).toEqual(roamed);
  const moved = { name: 'n2', addresses: [parseIp('172.30.1.13')!], tunnelAddresses: {} };
  input = { ...input, nodes: new Map(input.nodes).set('n2', moved) };
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(wireguard.device('wg.sluice')!.peers[0]!.endpoint).toEqual({ ip: parseIp('172.30.1.13'), port: 51820 });
});

it('withdraws its key at once when it is switched off, and receives for a while longer', async () => {
  driver.start();
  await greet();
  input = { ...input, settings: DEFAULT_WIREGUARD };
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect([published.at(-1), routes(), netlink.rules({ protocol: 81 })]).toEqual([undefined, [], []]);
  expect(netlink.link('wg.sluice')).toBeDefined();
  await vi.advanceTimersByTimeAsync(11_000);
  expect(netlink.link('wg.sluice')).toBeUndefined();
});

it('makes the device anew when somebody deletes it', async () => {
  driver.start();
  await greet();
  netlink.apply([{ kind: 'delete-link', link: 'wg.sluice' }]);
  await vi.advanceTimersByTimeAsync(5);
  expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ publicKey: PEER, endpoint: { port: 51820 } }]);
  expect(routes()).toEqual(['10.244.2.0/26']);
});

it('publishes no key where the kernel has no WireGuard, and says so', () => {
  driver = open({
    openWireguard: () => {
      throw new SluiceError('not-found', 'this kernel has no WireGuard');
    },
  });
  driver.start();
  expect([driver.keys, driver.podMtu, published]).toEqual([{}, undefined, []]);
  expect(driver.status()).toMatchObject({ devices: [], error: 'this kernel has no WireGuard' });
});

it('keeps its keys in a file that nobody else may read, and finds them and the greeted peers again', async () => {
  vi.useRealTimers();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  const path = join(folder, 'wireguard-keys.json');
  try {
    driver = open({ keys: textFile(path) });
    driver.start();
    wireguard.greet('wg.sluice', PEER, 1_700_000_000);
    driver.stop();
    const [key] = published;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).not.toContain(key);
    driver = open({ keys: textFile(path) });
    driver.start();
    expect(driver.keys[4]).toBe(key);
    expect(routes()).toEqual(['10.244.2.0/26']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
