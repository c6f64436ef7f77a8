import { describe, expect, it, onTestFinished } from 'vitest';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Netlink } from '../netlink/port.ts';
import { newPrivateKey, publicKeyOf } from './key.ts';
import { NO_KEY } from './port.ts';
import type { Wireguard } from './port.ts';

/** WireGuard and links of one empty namespace. */
export interface WireguardPlace extends Disposable {
  readonly netlink: Netlink;
  readonly wireguard: Wireguard;
}

const cidrs = (...texts: readonly string[]) => texts.map((text) => parseCidr(text)!);
const endpoint = { ip: parseIp('192.0.2.7')!, port: 51820 };
const key = (): string => publicKeyOf(newPrivateKey());

/** What every {@link Wireguard} does, run against the kernel and the fake. */
export function wireguardContract(name: string, create: () => WireguardPlace): void {
  const setUp = (): Wireguard => {
    const place = create();
    onTestFinished(() => place[Symbol.dispose]());
    place.netlink.apply([{ kind: 'add-link', link: { type: 'wireguard', name: 'wg0', up: true } }]);
    return place.wireguard;
  };
  const networks = (wireguard: Wireguard): Record<string, readonly string[]> =>
    Object.fromEntries(
      wireguard
        .device('wg0')!
        .peers.map(({ publicKey, allowedIps }) => [publicKey, allowedIps.map(formatCidr).toSorted()]),
    );

  describe(`${name}`, () => {
    it('says that a device without a key has none, and that one that is not there is not', () => {
      const wireguard = setUp();
      expect(wireguard.device('wg0')).toMatchObject({ publicKey: undefined, peers: [] });
      expect(wireguard.device('none')).toBeUndefined();
      expect(() => wireguard.configure('none', { firewallMark: 1 })).toThrow(
        expect.objectContaining({ code: 'not-found' }),
      );
    });

    it('gives a device its key, port and mark, and keeps what a later change does not name', () => {
      const wireguard = setUp();
      const privateKey = newPrivateKey();
      wireguard.configure('wg0', { privateKey, listenPort: 51820, firewallMark: 0x100 });
      wireguard.configure('wg0', { firewallMark: 0x200 });
      expect(wireguard.device('wg0')).toMatchObject({
        publicKey: publicKeyOf(privateKey),
        listenPort: 51820,
        firewallMark: 0x200,
      });
    });

    it('gives a peer the secret that both sides have besides their keys, keeps it, and takes it away', () => {
      const wireguard = setUp();
      const [publicKey, presharedKey] = [key(), key()];
      const secret = (): string | undefined => wireguard.device('wg0')!.peers[0]!.presharedKey;
      wireguard.configure('wg0', { privateKey: newPrivateKey(), peers: [{ publicKey, allowedIps: [], presharedKey }] });
      expect(secret()).toBe(presharedKey);
      wireguard.configure('wg0', { peers: [{ publicKey, allowedIps: cidrs('10.1.0.0/26') }] });
      expect(secret()).toBe(presharedKey);
      wireguard.configure('wg0', { peers: [{ publicKey, allowedIps: [], presharedKey: NO_KEY }] });
      expect(secret()).toBeUndefined();
    });

    it('adds, changes and removes single peers of both families', () => {
      const wireguard = setUp();
      const [first, second] = [key(), key()];
      wireguard.configure('wg0', {
        privateKey: newPrivateKey(),
        peers: [
          { publicKey: first, endpoint, allowedIps: cidrs('10.1.0.0/26', 'fd00:1::/122'), keepaliveSeconds: 25 },
          { publicKey: second, allowedIps: cidrs('10.2.0.0/26') },
        ],
      });
      expect(networks(wireguard)).toEqual({ [first]: ['10.1.0.0/26', 'fd00:1::/122'], [second]: ['10.2.0.0/26'] });
      wireguard.configure('wg0', { peers: [{ publicKey: first, allowedIps: cidrs('10.3.0.0/26') }] });
      expect(wireguard.device('wg0')!.peers.find(({ publicKey }) => publicKey === first)).toMatchObject({
        endpoint,
        lastHandshake: undefined,
        keepaliveSeconds: 25,
      });
      wireguard.configure('wg0', { peers: [{ publicKey: second, remove: true }] });
      expect(networks(wireguard)).toEqual({ [first]: ['10.3.0.0/26'] });
    });

    it('moves a network from one peer to another', () => {
      const wireguard = setUp();
      const [old, fresh] = [key(), key()];
      const allowedIps = cidrs('10.1.0.0/26');
      wireguard.configure('wg0', { privateKey: newPrivateKey(), peers: [{ publicKey: old, allowedIps }] });
      wireguard.configure('wg0', { peers: [{ publicKey: fresh, endpoint, allowedIps }] });
      expect(networks(wireguard)).toEqual({ [old]: [], [fresh]: ['10.1.0.0/26'] });
    });

    it('takes more peers than one message holds', () => {
      const wireguard = setUp();
      const peers = Array.from({ length: 700 }, (_, i) => ({
        publicKey: Buffer.alloc(32, `${i} `).toString('base64'),
        endpoint: { ip: parseIp(`192.0.${i >> 8}.${i & 255}`)!, port: 51820 },
        allowedIps: cidrs(`10.${i >> 8}.${i & 255}.0/26`, `fd00:${i.toString(16)}::/122`),
      }));
      wireguard.configure('wg0', { privateKey: newPrivateKey(), peers });
      const { length } = wireguard.device('wg0')!.peers;
      expect(length).toBe(700);
      expect(wireguard.device('wg0')!.peers.every(({ allowedIps }) => allowedIps.length === 2)).toBe(true);
    });

    it('drops a peer that has the device’s own key', () => {
      const wireguard = setUp();
      const privateKey = newPrivateKey();
      const peers = [{ publicKey: publicKeyOf(privateKey), allowedIps: cidrs('10.1.0.0/26') }];
      wireguard.configure('wg0', { privateKey });
      wireguard.configure('wg0', { peers });
      expect(wireguard.device('wg0')!.peers).toEqual([]);
    });

    it('refuses what is no key, without repeating it', () => {
      const wireguard = setUp();
      const secret = 'c2hvcnQ=';
      const attempt = (): void => wireguard.configure('wg0', { privateKey: secret });
      expect(attempt).toThrow(expect.objectContaining({ code: 'invalid' }));
      expect(attempt).not.toThrow(secret);
    });
  });
}
