import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { DEFAULT_WIREGUARD, WIREGUARD_TABLE } from '../../core/wireguard/index.ts';
import type { WireguardInput } from '../../core/wireguard/index.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { FakeWireguard } from '../../host/wireguard/fake.ts';
import type { Wireguard } from '../../host/wireguard/port.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import { WireguardDriver } from './wireguard-driver.ts';
import type { WireguardDriverDependencies } from './wireguard-driver.ts';
import { textFile, textInMemory } from './text-file.ts';

const PEER = publicKeyOf(newPrivateKey());
const ON = { ...DEFAULT_WIREGUARD, 4: { ...DEFAULT_WIREGUARD[4], enabled: true } };

let netlink: Netlink;
let wireguard: FakeWireguard;
let input: Omit<WireguardInput, 'ways' | 'handingOver'>;
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
    nextKeys: new Map(),
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
  netlink
    .routes({ table: WIREGUARD_TABLE })
    .map(
      ({ destination, link }) =>
        `${formatCidr(destination)} ${netlink.links().find(({ index }) => index === link)?.name}`,
    );

/** The driver hears of a change of its input. */
async function changed(): Promise<void> {
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
}

/** The peer answers, and the driver finds out. */
async function greet(key = PEER, device = 'wg.sluice'): Promise<void> {
  wireguard.greet(device, key, 1_700_000_000);
  await vi.advanceTimersByTimeAsync(2000);
}

it('touches nothing while WireGuard is off', () => {
  input = { ...input, settings: DEFAULT_WIREGUARD };
  driver.start();
  expect(netlink.links().map(({ name }) => name)).toEqual(['lo']);
  expect([driver.keys, driver.podMtu, driver.status(), published]).toEqual([{}, undefined, undefined, []]);
});

it('receives before it announces its key, and sends nothing in the clear to a peer that has one', async () => {
  driver.start();
  const device = wireguard.device('wg.sluice')!;
  expect(device).toMatchObject({ publicKey: published[0], listenPort: 51820 });
  // Sending something now and then makes the kernel greet.
  expect(device.peers).toMatchObject([{ publicKey: PEER, keepaliveSeconds: 5 }]);
  expect(netlink.link('wg.sluice')).toMatchObject({ mtu: 1440, up: true });
  expect([routes(), driver.podMtu]).toEqual([['10.244.2.0/26 wg.sluice'], 1440]);
  expect(driver.status()).toMatchObject({ devices: [{ silent: ['n2'] }], unencrypted: [] });
  await greet();
  expect(netlink.rules({ protocol: 81 })).toMatchObject([{ priority: 99, table: WIREGUARD_TABLE }]);
  expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ keepaliveSeconds: 0 }]);
  expect(driver.status()).toMatchObject({ devices: [{ device: 'wg.sluice', peers: 1, greeted: 1, silent: [] }] });
});

describe('switched on under traffic', () => {
  beforeEach(async () => {
    input = { ...input, settings: DEFAULT_WIREGUARD };
    driver.start();
    input = { ...input, settings: ON };
    await changed();
  });

  it('goes on in the clear until the peer answers', async () => {
    expect(routes()).toEqual([]);
    expect(driver.status()).toMatchObject({ unencrypted: ['n2'] });
    await greet();
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
  });

  it('goes on in the clear for ten seconds and no longer, for peers that do not answer', async () => {
    await vi.advanceTimersByTimeAsync(9000);
    expect(routes()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1500);
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
    expect(driver.status()).toMatchObject({ devices: [{ silent: ['n2'] }], unencrypted: [] });
  });
});

describe('another key that the Node wishes for', () => {
  const adopted = () => [driver.keys[4], driver.nextKeys[4]];

  it('is taken at once while nobody knows the present one', async () => {
    driver.start();
    rotation = 'monday';
    await changed();
    await changed();
    expect(new Set(published).size).toBe(2);
    expect(published).toHaveLength(2);
    expect(wireguard.device('wg.sluice')!.publicKey).toBe(published[1]);
  });

  it('goes to peers by a second device first, and to the usual one when they use it', async () => {
    driver.start();
    await greet();
    const old = driver.keys[4];
    rotation = 'monday';
    await changed();
    const next = driver.nextKeys[4]!;
    // Both keys are announced, both devices receive, and the old one sends.
    expect([driver.keys[4], wireguard.device('wg-next.sluice')!.publicKey]).toEqual([old, next]);
    expect(wireguard.device('wg-next.sluice')).toMatchObject({ listenPort: 51822, peers: [{ publicKey: PEER }] });
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
    await greet(PEER, 'wg-next.sluice');
    expect([routes(), ...adopted()]).toEqual([['10.244.2.0/26 wg-next.sluice'], old, next]);
    await vi.advanceTimersByTimeAsync(11_000);
    // What the kernel still says of sessions with the old key does not count.
    expect([wireguard.device('wg.sluice')!.publicKey, ...adopted()]).toEqual([next, next, undefined]);
    expect(wireguard.device('wg.sluice')!.peers).toMatchObject([{ publicKey: PEER, lastHandshake: undefined }]);
    expect(routes()).toEqual(['10.244.2.0/26 wg-next.sluice']);
    await greet();
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
    expect(netlink.link('wg-next.sluice')).toBeDefined();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(netlink.link('wg-next.sluice')).toBeUndefined();
  });

  it('is adopted in the end even if a peer never answers by it', async () => {
    driver.start();
    await greet();
    rotation = 'monday';
    await changed();
    const next = driver.nextKeys[4]!;
    await vi.advanceTimersByTimeAsync(130_000);
    expect([wireguard.device('wg.sluice')!.publicKey, ...adopted()]).toEqual([next, next, undefined]);
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
  });

  it('waits until peers have changed theirs, but not for ever', async () => {
    driver.start();
    await greet();
    input = { ...input, nextKeys: new Map([['n2', { 4: publicKeyOf(newPrivateKey()) }]]) };
    rotation = 'monday';
    await changed();
    expect(driver.nextKeys).toEqual({});
    await vi.advanceTimersByTimeAsync(310_000);
    expect(driver.nextKeys[4]).toBeDefined();
  });

  it('is the same after a restart in the middle', async () => {
    const keys = textInMemory();
    driver = open({ keys });
    driver.start();
    await greet();
    rotation = 'monday';
    await changed();
    const before = adopted();
    driver.stop();
    driver = open({ keys });
    driver.start();
    expect(adopted()).toEqual(before);
  });
});

it('follows a peer that changes its key, by a second device that has the key of this node', async () => {
  driver.start();
  await greet();
  const fresh = publicKeyOf(newPrivateKey());
  input = { ...input, nextKeys: new Map([['n2', { 4: fresh }]]) };
  await changed();
  expect(wireguard.device('wg-next.sluice')).toMatchObject({
    publicKey: driver.keys[4],
    peers: [{ publicKey: fresh, endpoint: { port: 51822 } }],
  });
  await greet(fresh, 'wg-next.sluice');
  expect(routes()).toEqual(['10.244.2.0/26 wg-next.sluice']);
  input = { ...input, keys: new Map([['n2', { 4: fresh }]]), nextKeys: new Map() };
  await changed();
  expect([routes(), driver.nextKeys]).toEqual([['10.244.2.0/26 wg-next.sluice'], {}]);
  await greet(fresh);
  expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
  await vi.advanceTimersByTimeAsync(25_000);
  expect(netlink.link('wg-next.sluice')).toBeUndefined();
});

it('keeps its key, and with it what peers encrypt, while the kernel refuses something', async () => {
  let failing = false;
  const refusing: Wireguard = {
    device: (name) => wireguard.device(name),
    configure: (name, change) => {
      if (failing) throw new SluiceError('no-memory', 'the kernel has no memory left');
      wireguard.configure(name, change);
    },
    [Symbol.dispose]: () => undefined,
  };
  driver = open({ openWireguard: () => refusing });
  driver.start();
  await greet();
  const key = driver.keys[4];
  failing = true;
  netlink.apply([{ kind: 'delete-link', link: 'wg.sluice' }]);
  await vi.advanceTimersByTimeAsync(5);
  expect([driver.keys[4], driver.status()?.error]).toEqual([key, 'the kernel has no memory left']);
  failing = false;
  await vi.advanceTimersByTimeAsync(6000);
  expect(driver.status()?.error).toBeUndefined();
});

it('goes on encrypting when a peer changes its key', async () => {
  driver.start();
  await greet();
  const fresh = publicKeyOf(newPrivateKey());
  input = { ...input, keys: new Map([['n2', { 4: fresh }]]) };
  driver.changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
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
  expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
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
    expect(routes()).toEqual(['10.244.2.0/26 wg.sluice']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
