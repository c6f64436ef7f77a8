import fc from 'fast-check';
import { expect, it } from 'vitest';
import { equalIp } from '../../base/ip/index.ts';
import { node, viewOf } from './bgp.test-support.ts';
import type { Scene } from './bgp.test-support.ts';
import type { BgpSession } from './types.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;
const selector = fc.constantFrom('all()', 'has(rr)', '!has(rr)', 'rack == "1"', 'rack != "1"');
const nodes = fc
  .tuple(
    ...NAMES.map((name, index) =>
      fc.record({
        families: fc.constantFrom([4], [4, 6], [6]),
        rr: fc.boolean(),
        rack: fc.constantFrom('1', '2'),
        clusterId: fc.constantFrom(undefined, undefined, '224.0.0.1', '224.0.0.2'),
        asNumber: fc.constantFrom(undefined, undefined, 65_001),
        // As text the second address comes after the tenth.
        host: fc.constant([2, 10, 9, 100][index]!),
        name: fc.constant(name),
      }),
    ),
  )
  .map((all) =>
    all.map(({ families, rr, rack, clusterId, asNumber, host, name }) =>
      node(
        name,
        families.map((family) => (family === 4 ? `172.30.1.${host}/24` : `fd00::${host}/64`)),
        {
          labels: { rack, ...(rr ? { rr: 'true' } : {}) },
          ...(clusterId === undefined ? {} : { clusterId }),
          ...(asNumber === undefined ? {} : { asNumber }),
        },
      ),
    ),
  );
const peer = fc.oneof(
  fc.record({ nodeSelector: selector, peerSelector: selector }),
  fc.record({ node: fc.constantFrom(...NAMES), peerSelector: selector }),
  fc.record({ peerSelector: selector }),
  fc.record({ node: fc.constantFrom(...NAMES), peerIP: fc.constantFrom('172.30.1.2', '172.30.1.10', 'fd00::9') }),
);
const scene: fc.Arbitrary<Scene> = fc.record({
  nodes,
  configurations: fc.record({
    default: fc.record({
      nodeToNodeMeshEnabled: fc.boolean(),
      listenPort: fc.constantFrom(179, 1790),
    }),
    'node.b': fc.constantFrom({}, { listenPort: 1791 }),
  }),
  peers: fc.dictionary(fc.constantFrom('p', 'q', 'r'), peer, { maxKeys: 3, noNullPrototype: true }),
});

it('has both ends of every session between nodes, with what each expects of the other', () => {
  let sessions = 0;
  fc.assert(
    fc.property(scene, (each) => {
      const views = new Map(NAMES.map((name) => [name, viewOf({ ...each, node: name }).sessions]));
      for (const [name, own] of views)
        for (const session of own) {
          const other = [...views].find(([, theirs]) => theirs.some((one) => matches(one, session)));
          expect([name, session.name, other === undefined]).toEqual([name, session.name, false]);
          sessions += 1;
        }
    }),
    { numRuns: 500 },
  );
  expect(sessions).toBeGreaterThan(1000);
});

/** Whether the two are the ends of one session that can come up. */
function matches(one: BgpSession, other: BgpSession): boolean {
  return (
    one.local !== undefined &&
    other.local !== undefined &&
    equalIp(one.local, other.peer.ip) &&
    equalIp(one.peer.ip, other.local) &&
    one.peerAs === other.localAs &&
    one.localAs === other.peerAs &&
    one.listenPort === (other.peer.port ?? 179) &&
    (one.peer.port ?? 179) === other.listenPort &&
    !(one.passive && other.passive)
  );
}
