import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import type { ConntrackFlush } from '../../core/calc/model.ts';
import type { TrackedFlow } from '../../host/conntrack/port.ts';
import { staleConnections } from './connection-cutter.ts';

const ip = (text: string) => parseIp(text)!;
const [SERVICE, NODE, OLD, NEW] = ['10.96.0.10', '192.0.2.1', '10.244.0.2', '10.244.1.3'];

/** A flow of a client to `to`, answered by `by`; UDP unless said otherwise. */
function flow(to: string, port: number, by: string, byPort: number, more: Partial<TrackedFlow> & { tcp?: true } = {}) {
  const { tcp, ...rest } = more;
  const protocol = tcp === true ? 6 : 17;
  const client = ip('10.244.0.9');
  return {
    original: { source: client, destination: ip(to), protocol, sourcePort: 4000, destinationPort: port },
    reply: { source: ip(by), destination: client, protocol, sourcePort: byPort, destinationPort: 4000 },
    mark: 0,
    status: 0,
    timeout: 30,
    id: 1,
    zone: 0,
    ...rest,
  } satisfies TrackedFlow;
}

const flush = (address: string | undefined, port: number, ...endpoints: string[]): ConntrackFlush => ({
  protocol: 'UDP',
  family: endpoints.length > 0 ? ip(endpoints[0]!).family : 4,
  ...(address === undefined ? {} : { address: ip(address) }),
  port,
  endpoints: endpoints.map((each) => ({ address: ip(each), port: 5353 })),
});

const ANSWERED = { status: 0x2 };

it.each<[string, TrackedFlow, ConntrackFlush, boolean]>([
  ['to an endpoint that is gone', flow(SERVICE, 53, OLD, 5353), flush(SERVICE, 53, NEW), true],
  ['to the last endpoint, which is gone', flow(SERVICE, 53, OLD, 5353), flush(SERVICE, 53), true],
  ['to an endpoint that stays', flow(SERVICE, 53, NEW, 5353), flush(SERVICE, 53, OLD, NEW), false],
  ['to an endpoint’s former port', flow(SERVICE, 53, NEW, 53), flush(SERVICE, 53, NEW), true],
  ['that was let go untranslated', flow(SERVICE, 53, SERVICE, 53), flush(SERVICE, 53, NEW), true],
  ['to another port of the address', flow(SERVICE, 54, OLD, 5353), flush(SERVICE, 53, NEW), false],
  ['over TCP', flow(SERVICE, 53, OLD, 5353, { tcp: true }), flush(SERVICE, 53, NEW), false],
  [
    'by a NodePort to an endpoint that is gone',
    flow(NODE, 30_053, OLD, 5353, ANSWERED),
    flush(undefined, 30_053),
    true,
  ],
  ['by a NodePort that nobody had', flow(NODE, 30_053, NODE, 30_053), flush(undefined, 30_053, NEW), true],
  [
    'to somebody’s port of the same number',
    flow(NODE, 30_053, NODE, 30_053, ANSWERED),
    flush(undefined, 30_053),
    false,
  ],
])('a flow %s is judged by who answers it', (_, tracked, change, stale) => {
  expect(staleConnections([tracked], [], [change])).toEqual(stale ? [tracked] : []);
});

it('the last change of a frontend counts', () => {
  const kept = flow(SERVICE, 53, NEW, 5353);
  expect(staleConnections([kept], [], [flush(SERVICE, 53, OLD), flush(SERVICE, 53, NEW)])).toEqual([]);
});

it('what one family of a NodePort is told says nothing of the other', () => {
  const kept = flow(NODE, 30_053, NEW, 5353, ANSWERED);
  const changes = [flush(undefined, 30_053, NEW), flush(undefined, 30_053, 'fd00::1')];
  expect(staleConnections([kept], [], changes)).toEqual([]);
});

const hostPort = (former: string[], now: string[], address?: string): ConntrackFlush => ({
  ...flush(address, 53, ...now),
  former: former.map((each) => ({ address: ip(each), port: 5353 })),
});

it.each<[string, TrackedFlow, readonly ConntrackFlush[], boolean]>([
  ['that came before the pod', flow(NODE, 53, NODE, 53), [hostPort([], [NEW])], true],
  ['to the pod that had it', flow(NODE, 53, OLD, 5353), [hostPort([OLD], [])], true],
  ['to the pod before, two changes later', flow(NODE, 53, OLD, 5353), [hostPort([OLD], []), hostPort([], [NEW])], true],
  ['to the pod that has it', flow(NODE, 53, NEW, 5353), [hostPort([OLD], [NEW])], false],
  ['that the node itself answers', flow(NODE, 53, NODE, 53, ANSWERED), [hostPort([], [NEW])], false],
  ['of a Service with the same port', flow(SERVICE, 53, '10.244.0.7', 53, ANSWERED), [hostPort([OLD], [NEW])], false],
  ['by another address than the pod asked for', flow(NODE, 53, OLD, 5353), [hostPort([OLD], [], '192.0.2.7')], false],
  ['by the address that the pod asked for', flow(NODE, 53, OLD, 5353), [hostPort([OLD], [], NODE)], true],
])('a flow by a host port %s', (_, tracked, changes, stale) => {
  expect(staleConnections([tracked], [], changes)).toEqual(stale ? [tracked] : []);
});
