import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import type { Family } from '../../src/base/ip/index.ts';
import { kernelMakes } from '../../src/host/netlink/rare-links.test-support.ts';
import { describeCells } from './rig/matrix/cells.ts';
import { shapeOf } from './rig/matrix/shapes.ts';

/**
 * As matrix.test.ts, for what a kernel may lack and the test machine's has: in both families at once, since all is slow
 * there.
 */
describe.skipIf(!kernelMakes('ipip'))('over ipip', () => {
  // It carries no IPv6, whose pools take VXLAN then.
  const carried = (family: Family): number => (family === 4 ? 1480 : 1450);
  const poolSpec = (family: Family): object => (family === 4 ? {} : { vxlanMode: 'Always' });
  describeCells(shapeOf('ipip', 'dual', 50, { carried, poolSpec }));
});

describe.skipIf(!kernelMakes('wireguard'))('over wireguard', () => {
  const carried = (family: Family): number => (family === 4 ? 1440 : 1420);
  describeCells(shapeOf('vxlan', 'dual', 80, { wireguard: true, carried }));
});

const hasDatapath = spawnSync('busybox', ['modprobe', 'openvswitch']).status === 0;
describe.skipIf(!hasDatapath)('over ovs in the kernel', () => describeCells(shapeOf('ovs', 'dual', 50)));
