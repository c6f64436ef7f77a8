import { join } from 'node:path';
import { describe } from 'vitest';
import { hasCode } from '../../base/errors.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { wireguardContract } from './contract.ts';
import type { WireguardPlace } from './contract.ts';
import { openWireguard } from './kernel.ts';

const directory = enterPrivateNetwork();
let made = 0;

function place(): WireguardPlace {
  const netns = join(directory!, `wireguard-${++made}`);
  createNetns(netns);
  const netlink = openNetlink({ netns });
  const wireguard = openWireguard({ netns });
  return {
    netlink,
    wireguard,
    [Symbol.dispose]: () => {
      wireguard[Symbol.dispose]();
      netlink[Symbol.dispose]();
      deleteNetns(netns);
    },
  };
}

/** Whether this kernel has WireGuard; the test machine's has. */
function supported(): boolean {
  try {
    openWireguard()[Symbol.dispose]();
    return true;
  } catch (error) {
    if (hasCode(error, 'not-found')) return false;
    throw error;
  }
}

describe.skipIf(directory === undefined || !supported())('the kernel', () => {
  wireguardContract('kernel WireGuard', place);
});
