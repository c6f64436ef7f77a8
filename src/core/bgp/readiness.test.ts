import { expect, it } from 'vitest';
import { notReadyForBgp } from './index.ts';

const [NEW, OLD] = [29_999, 30_000];
const up = { peer: '172.30.1.12', info: 'Established' };
const down = { peer: '172.30.1.13', info: 'Active Socket: No route to host' };
const MISSING = 'BGP is not established with 172.30.1.13';
const UNFINISHED = 'the graceful restart of BGP is not over';

it.each<[string, (typeof up)[], boolean, number, string]>([
  ['is ready without peers', [], true, NEW, ''],
  ['waits for every peer at first', [up, down], false, NEW, MISSING],
  ['waits for the end of the graceful restart', [up], true, NEW, UNFINISHED],
  ['tells of peers before it tells of the graceful restart', [down], true, NEW, MISSING],
  ['is ready when all is done', [up, up], false, NEW, ''],
  ['needs but one peer later', [up, down], true, OLD, ''],
  ['still needs one peer later', [down], false, OLD, MISSING],
])('a node %s', (_, sessions, recovering, sinceStart, reason) => {
  expect(notReadyForBgp({ sessions, recovering }, sinceStart)).toBe(reason);
});

it('does not wait for nodes that have no BGP yet, which wait for this one', () => {
  const without = new Set([down.peer]);
  for (const sinceStart of [NEW, OLD]) {
    expect(notReadyForBgp({ sessions: [down], recovering: true, without }, sinceStart)).toBe('');
    expect(notReadyForBgp({ sessions: [up, down], recovering: false, without }, sinceStart)).toBe('');
    const away = { ...down, peer: '172.30.1.14' };
    expect(notReadyForBgp({ sessions: [away, down], recovering: false, without }, sinceStart)).toMatch(/14$/);
  }
});
