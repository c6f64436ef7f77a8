import { join } from 'node:path';
import { describe } from 'vitest';
import { openNetlink } from '../netlink/kernel.ts';
import { kernelMakes } from '../netlink/rare-links.test-support.ts';
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

// The test machine's kernel has WireGuard.
describe.skipIf(directory === undefined || !kernelMakes('wireguard'))('the kernel', () => {
  wireguardContract('kernel WireGuard', place);
});
