import { expect, it } from 'vitest';
import { THREE_NODES, node, viewOf } from './bgp.test-support.ts';
import type { Scene } from './bgp.test-support.ts';
import { RECOVERY_HOLD, birdConfig } from './index.ts';

/** How long a restarted BIRD waits, and whether it always does. */
function recovery(scene: Scene): readonly [seconds: number, held: boolean] {
  const text = birdConfig(viewOf(scene));
  const [, seconds] = /^graceful restart wait (\d+);$/m.exec(text) ?? [];
  return [Number(seconds), text.includes(`protocol bgp ${RECOVERY_HOLD} {`)];
}

const tor = (rest: object = {}): Readonly<Record<string, unknown>> => ({
  tor: { peerIP: '172.30.1.1', asNumber: 65_000, ...rest },
});

it.each<[string, Scene, readonly [number, boolean]]>([
  ['is over when all nodes have told their routes', {}, [30, false]],
  ['takes its time where a peer may say too early that it has told all', { peers: tor() }, [20, true]],
  [
    'is over before a peer gives up',
    { configurations: { default: { nodeMeshMaxRestartTime: '15s' } }, peers: tor({ maxRestartTime: '1m' }) },
    [10, true],
  ],
  ['is over at once where a peer gives up at once', { peers: tor({ maxRestartTime: '2s' }) }, [1, true]],
  ['waits for nobody where there is nobody', { nodes: [THREE_NODES[0]!] }, [30, false]],
])('the recovery after a restart %s', (_, scene, wanted) => {
  expect(recovery(scene)).toEqual(wanted);
});

it('is held by a session that nobody can bring up, which listens where the others do', () => {
  const nodes = [node('a', ['fd00::1/64']), node('b', ['fd00::2/64'])];
  const configurations = { default: { listenPort: 1790, bindMode: 'NodeIP' } };
  const text = birdConfig(viewOf({ nodes, configurations, peers: { tor: { peerIP: 'fd00::9', asNumber: 65_000 } } }));
  expect(text.slice(text.indexOf(`protocol bgp ${RECOVERY_HOLD} {`))).toBe(`protocol bgp recovery {
  local fd00::1 port 1790 as 64512;
  neighbor 100::1 as 64512;
  multihop; passive on; graceful restart on; strict bind on;
  ipv6 { import none; export none; };
}
`);
});
