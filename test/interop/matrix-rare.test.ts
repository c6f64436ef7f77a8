import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import type { Family } from '../../src/base/ip/index.ts';
import { kernelMakes } from '../../src/host/netlink/rare-links.test-support.ts';
import { describeCells } from './rig/matrix/cells.ts';
import { shapeOf } from './rig/matrix/shapes.ts';
import type { FamilyName } from './rig/matrix/shapes.ts';

const FAMILIES: readonly FamilyName[] = ['ipv4', 'ipv6', 'dual'];

/** As matrix.test.ts, for what a kernel may lack and the test machine's has. */
describe.each(FAMILIES.filter((name) => name !== 'ipv6'))('with %s', (name) => {
  describe.skipIf(!kernelMakes('ipip'))('over ipip', () => {
    // It carries no IPv6, whose pools take VXLAN then.
    const carried = (family: Family): number => (family === 4 ? 1480 : 1450);
    const poolSpec = (family: Family): object => (family === 4 ? {} : { vxlanMode: 'Always' });
    describeCells(shapeOf('ipip', name, name === 'ipv4' ? 20 : 50, { carried, poolSpec }));
  });
});

describe.each(FAMILIES)('with %s', (name) => {
  describe.skipIf(!kernelMakes('wireguard'))('over wireguard', () => {
    const carried = (family: Family): number => (family === 4 ? 1440 : 1420);
    describeCells(shapeOf('vxlan', name, name === 'dual' ? 80 : 60, { wireguard: true, carried }));
  });

  const hasDatapath = spawnSync('busybox', ['modprobe', 'openvswitch']).status === 0;
  describe.skipIf(!hasDatapath)('over ovs in the kernel', () => describeCells(shapeOf('ovs', name, 50)));
});
