import { join } from 'node:path';
import { describe } from 'vitest';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { ipvsContract } from './contract.ts';
import type { IpvsPlace } from './contract.ts';
import { openIpvs } from './kernel.ts';
import { kernelHasIpvs } from './rare.test-support.ts';

const directory = enterPrivateNetwork();
let made = 0;

function place(): IpvsPlace {
  const netns = join(directory!, `ipvs-${++made}`);
  createNetns(netns);
  // Without any address of its own, a namespace takes every IPv4 address for a broadcast.
  using netlink = openNetlink({ netns });
  netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
  const ipvs = openIpvs({ netns });
  const other = openIpvs({ netns, owner: 0 });
  return {
    ipvs,
    addForeign: (server) => other.change({ kind: 'add-server', server }),
    [Symbol.dispose]: () => {
      for (const each of [ipvs, other]) each[Symbol.dispose]();
      deleteNetns(netns);
    },
  };
}

// The test machine's kernel has IPVS.
describe.skipIf(directory === undefined || !kernelHasIpvs())('the kernel', () => {
  ipvsContract('kernel IPVS', place);
});
