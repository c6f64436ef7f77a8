import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import type { Family } from '../../src/base/ip/index.ts';
import { kernelMakes } from '../../src/host/netlink/rare-links.test-support.ts';
import { describeCells } from './rig/matrix/cells.ts';
import { shapeOf } from './rig/matrix/shapes.ts';
import type { FamilyName } from './rig/matrix/shapes.ts';

// All is slow in the test machine: both families at once, and the cells that prove most, unless more is asked for.
const { MATRIX_CELLS: cells = 'main', MATRIX_FAMILIES: families = 'dual' } = process.env;
const CELLS = cells === 'all' ? 'all' : 'main';
const FAMILIES = families.split(',') as readonly FamilyName[];

/** As matrix.test.ts, for what a kernel may lack and the test machine's has. */
describe.each(FAMILIES.filter((name) => name !== 'ipv6'))('with %s', (name) => {
  describe.skipIf(!kernelMakes('ipip'))('over ipip', () => {
    // It carries no IPv6, whose pools take VXLAN then.
    const carried = (family: Family): number => (family === 4 ? 1480 : 1450);
    const poolSpec = (family: Family): object => (family === 4 ? {} : { vxlanMode: 'Always' });
    describeCells(shapeOf('ipip', name, name === 'ipv4' ? 20 : 50, { carried, poolSpec }), CELLS);
  });
});

describe.each(FAMILIES)('with %s', (name) => {
  describe.skipIf(!kernelMakes('wireguard'))('over wireguard', () => {
    const carried = (family: Family): number => (family === 4 ? 1440 : 1420);
    describeCells(shapeOf('vxlan', name, name === 'dual' ? 80 : 60, { wireguard: true, carried }), CELLS);
  });

  const hasDatapath = spawnSync('busybox', ['modprobe', 'openvswitch']).status === 0;
  describe.skipIf(!hasDatapath)('over ovs in the kernel', () => describeCells(shapeOf('ovs', name, 50), CELLS));
});
