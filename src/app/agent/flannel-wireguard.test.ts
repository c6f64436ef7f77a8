import { describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { LeaseReading, WireguardNetConf } from '../../core/flannel/index.ts';
import { FakeWireguard } from '../../host/wireguard/fake.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import { FlannelWireguard } from './flannel-wireguard.ts';
import { textInMemory } from './text-file.ts';
import type { TextStore } from './text-file.ts';

const DEVICE = 'fl-wg.sluice';

/** An agent's part; `there`: whether routing has made the device. */
function open(key: TextStore, wireguard: FakeWireguard, presharedKey?: string): FlannelWireguard {
  const netConf: WireguardNetConf = {
    networks: { 4: parseCidr('10.244.0.0/16')! },
    backend: {
      type: 'wireguard',
      mode: 'separate',
      ports: { 4: 51820, 6: 51821 },
      keepaliveSeconds: 25,
      mtu: 0,
      ...(presharedKey === undefined ? {} : { presharedKey }),
    },
  };
  const { signal } = new AbortController();
  return new FlannelWireguard(netConf, { openWireguard: () => wireguard, key, log: silentLogger, signal });
}

function leases(publicKey: string, address = '192.0.2.2'): ReadonlyMap<string, LeaseReading> {
  const family = { subnet: parseCidr('10.244.2.0/24')!, publicIp: parseIp(address)!, publicKey };
  return new Map([['n2', { lease: { backendType: 'wireguard', families: { 4: family } }, problems: [] }]]);
}

describe("flannel's WireGuard on this node", () => {
  it('keeps its key for the next life, and makes another where that is none', () => {
    const wireguard = new FakeWireguard(() => true);
    const store = textInMemory();
    const { publicKey } = open(store, wireguard);
    expect(open(store, wireguard).publicKey).toBe(publicKey);
    store.save('spoiled');
    const another = open(store, wireguard).publicKey;
    expect(another).not.toBe(publicKey);
    expect(publicKeyOf(store.load()!)).toBe(another);
  });

  it('waits for the device, and gives it all again when it is another', () => {
    let there = false;
    const wireguard = new FakeWireguard(() => there);
    const flannel = open(textInMemory(), wireguard);
    const peer = publicKeyOf(newPrivateKey());
    flannel.learn('n1', leases(peer));
    flannel.settle(1);
    there = true;
    flannel.settle(1);
    const expected = {
      publicKey: flannel.publicKey,
      listenPort: 51820,
      peers: [{ publicKey: peer, keepaliveSeconds: 25 }],
    };
    expect(wireguard.device(DEVICE)).toMatchObject(expected);
    there = false;
    expect(wireguard.device(DEVICE)).toBeUndefined();
    there = true;
    flannel.settle(2);
    expect(wireguard.device(DEVICE)).toMatchObject(expected);
  });

  it('follows a peer to another key, and leaves where the kernel has found it alone while it says the same', () => {
    const wireguard = new FakeWireguard(() => true);
    const flannel = open(textInMemory(), wireguard);
    const [first, second] = [publicKeyOf(newPrivateKey()), publicKeyOf(newPrivateKey())];
    const settle = (key: string, address: string, generation: number) => {
      flannel.learn('n1', leases(key, address));
      flannel.settle(generation);
      return wireguard.device(DEVICE)!.peers.map(({ publicKey, endpoint }) => [publicKey, endpoint?.ip]);
    };
    settle(first, '192.0.2.2', 1);
    const found = { ip: parseIp('198.51.100.9')!, port: 4000 };
    const [{ allowedIps } = { allowedIps: [] }] = wireguard.device(DEVICE)!.peers;
    wireguard.configure(DEVICE, { peers: [{ publicKey: first, allowedIps, endpoint: found }] });
    expect(settle(first, '192.0.2.2', 2)).toEqual([[first, found.ip]]);
    expect(settle(first, '192.0.2.7', 2)).toEqual([[first, parseIp('192.0.2.7')]]);
    expect(settle(second, '192.0.2.7', 2)).toEqual([[second, parseIp('192.0.2.7')]]);
  });

  it('takes another secret of the network over from one life to the next, and none as well', () => {
    const wireguard = new FakeWireguard(() => true);
    const store = textInMemory();
    const peer = publicKeyOf(newPrivateKey());
    const secretWith = (presharedKey?: string): string | undefined => {
      const flannel = open(store, wireguard, presharedKey);
      flannel.learn('n1', leases(peer));
      flannel.settle(1);
      return wireguard.device(DEVICE)!.peers[0]!.presharedKey;
    };
    const [first, second] = [newPrivateKey(), newPrivateKey()];
    expect([first, second, undefined].map(secretWith)).toEqual([first, second, undefined]);
  });

  it('names what the kernel refuses, until it does not', () => {
    let refuses = true;
    const fake = new FakeWireguard(() => true);
    const wireguard = Object.assign(Object.create(fake) as FakeWireguard, {
      device: (name: string) => {
        if (refuses) throw new Error('no WireGuard here');
        return fake.device(name);
      },
      configure: (...args: Parameters<FakeWireguard['configure']>) => fake.configure(...args),
    });
    const flannel = open(textInMemory(), wireguard);
    const known = leases(publicKeyOf(newPrivateKey()));
    expect(flannel.learn('n1', known)).toEqual([]);
    flannel.settle(1);
    expect(flannel.learn('n1', known)).toEqual([
      { peer: '', code: 'no-device', message: "flannel's WireGuard: no WireGuard here" },
    ]);
    refuses = false;
    flannel.settle(1);
    expect(flannel.learn('n1', known)).toEqual([]);
  });
});
