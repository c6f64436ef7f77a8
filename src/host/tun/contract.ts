import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { SluiceError } from '../../base/errors.ts';
import type { Netlink } from '../netlink/port.ts';
import type { UserTunnel, UserTunnels } from './port.ts';

const TUNNEL: UserTunnel = {
  name: 'tun.sluice',
  mac: '02:00:00:00:00:01',
  local: parseIp('127.0.0.1')!,
  port: 8285,
  peers: [{ mac: '02:00:00:00:00:02', remote: parseIp('127.0.0.2')! }],
};

/** What all {@link UserTunnels} do. `open` gives them with the namespace that they work in, where lo has 127.0.0.1. */
export function userTunnelsContract(
  name: string,
  open: () => { readonly tunnels: UserTunnels; readonly netlink: Netlink },
): void {
  describe(name, () => {
    it('make the device, carry, and leave the device when they are closed', async () => {
      const { tunnels, netlink } = open();
      {
        await using _closing = tunnels;
        expect(tunnels.status()).toBeUndefined();
        tunnels.set(TUNNEL);
        expect(netlink.link('tun.sluice')).toMatchObject({ kind: 'tun', up: false });
        expect(tunnels.status()).toMatchObject({ packetsOut: 0, packetsIn: 0, strangers: 0 });
      }
      expect(tunnels.status()).toBeUndefined();
      expect(netlink.link('tun.sluice')).toBeDefined();
      netlink.apply([{ kind: 'delete-link', link: 'tun.sluice' }]);
    });

    it('take over a device that another left', async () => {
      const { tunnels, netlink } = open();
      tunnels.set(TUNNEL);
      const { index } = netlink.link('tun.sluice')!;
      await tunnels[Symbol.asyncDispose]();
      await using next = open().tunnels;
      next.set({ ...TUNNEL, peers: [] });
      expect(netlink.link('tun.sluice')?.index).toBe(index);
    });

    it('say that an address is not this node’s, and work as soon as it is asked for one that is', async () => {
      const { tunnels } = open();
      await using _closing = tunnels;
      expect(codeOf(() => tunnels.set({ ...TUNNEL, local: parseIp('192.0.2.1')! }))).toBe('not-found');
      expect(tunnels.status()).toBeUndefined();
      tunnels.set(TUNNEL);
      expect(codeOf(() => tunnels.set({ ...TUNNEL, local: parseIp('192.0.2.1')! }))).toBe('not-found');
      expect(tunnels.status()).toBeDefined();
    });
  });
}

function codeOf(act: () => void): string | undefined {
  try {
    act();
  } catch (error) {
    return error instanceof SluiceError ? error.code : String(error);
  }
  return undefined;
}
