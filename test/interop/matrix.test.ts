import { describe } from 'vitest';
import type { BackendName } from '../../src/core/routing/index.ts';
import { describeCells } from './rig/matrix/cells.ts';
import { shapeOf } from './rig/matrix/shapes.ts';
import type { FamilyName } from './rig/matrix/shapes.ts';

/** What each adds to packets, bytes. What a kernel may lack is in matrix-rare.test.ts. */
const BACKENDS: readonly (readonly [BackendName, number])[] = [
  ['vxlan', 50],
  ['host-gw', 0],
  ['cross-subnet', 50],
  ['udp', 28],
  ['none', 0],
  ['macvlan', 0],
  ['ovs', 50],
];
const FAMILIES: readonly FamilyName[] = ['ipv4', 'ipv6', 'dual'];

describe.each(BACKENDS)('over %s', (backend, overhead) => {
  // Most of it is waiting.
  describe.concurrent.each(FAMILIES)('with %s', (name) => describeCells(shapeOf(backend, name, overhead)));
});
