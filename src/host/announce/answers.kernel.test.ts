import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { equalIp, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import type { Netlink } from '../netlink/port.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { openSysctl } from '../sysctl/sysctl.ts';
import { openSegmentAnswers } from './answers.ts';

const directory = enterPrivateNetwork();
const MAC = '02:00:00:00:00:11';
const [V4, OTHER, V6] = ['192.0.2.100', '192.0.2.101', '2001:db8::64'].map((text) => parseIp(text)!) as [Ip, Ip, Ip];

interface Scene extends Disposable {
  readonly neighbour: Netlink;
  readonly answers: ReturnType<typeof openSegmentAnswers>;
  /** Runs a program on the neighbour; resolves to what it prints, however it ends. */
  run(...command: readonly string[]): Promise<string>;
  /** The hardware address that the neighbour finds for `ip`; undefined: nobody answers. */
  asks(ip: Ip): Promise<string | undefined>;
  /** The hardware address that the neighbour remembers. */
  knows(ip: Ip): string | undefined;
}

/** This process on one end of a wire, a machine that knows nothing of it on the other. */
function scene(): Scene {
  using stack = new DisposableStack();
  const netns = join(directory!, 'neighbour');
  createNetns(netns);
  stack.defer(() => deleteNetns(netns));
  const own = stack.use(openNetlink());
  stack.defer(() => own.attempt([{ kind: 'delete-link', link: 'eth0' }]));
  const neighbour = stack.use(openNetlink({ netns }));
  const peer = { name: 'eth0', mac: '02:00:00:00:00:22', netns };
  own.apply([{ kind: 'add-link', link: { type: 'veth', name: 'eth0', mac: MAC, up: true, peer } }]);
  neighbour.apply([
    { kind: 'set-link', link: 'eth0', up: true },
    ...['192.0.2.2/24', '2001:db8::2/64'].map(
      (text) => ({ kind: 'add-address', address: { link: 'eth0', address: parseCidr(text)! } }) as const,
    ),
  ]);
  // It asks three times, and gives up after a third of a second, not after three.
  for (const family of ['ipv4', 'ipv6']) openSysctl({ netns }).write(`net/${family}/neigh/eth0/retrans_time_ms`, 100);
  const answers = stack.use(openSegmentAnswers(own));
  const run = (...command: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      execFile('nsenter', [`--net=${netns}`, ...command], (_, stdout, stderr) => resolve(stdout + stderr));
    });
  const knows = (ip: Ip): string | undefined => neighbour.neighbours().find((each) => equalIp(each.ip, ip))?.mac;
  const asks = async (ip: Ip): Promise<string | undefined> => {
    // Nobody has the address itself; what counts is whom the echo request is sent to.
    await run('ping', '-c', '1', '-W', '0.5', formatIp(ip));
    return knows(ip);
  };
  const kept = stack.move();
  return { neighbour, answers, run, asks, knows, [Symbol.dispose]: () => kept.dispose() };
}

describe.skipIf(directory === undefined)('answers on a segment', () => {
  it('are for the addresses that were asked for, until they no longer are', async () => {
    using made = scene();
    expect(made.answers.answer(new Map([['eth0', [V4, V6]]]))).toEqual(new Map());
    // Repeated until it is so: the link may still be coming up.
    await expect.poll(() => made.asks(V4)).toBe(MAC);
    await expect.poll(() => made.asks(V6)).toBe(MAC);
    expect(await made.asks(OTHER)).toBeUndefined();
    made.answers.answer(new Map([['eth0', [OTHER]]]));
    await expect.poll(() => made.asks(OTHER)).toBe(MAC);
    for (const ip of [V4, V6]) {
      made.neighbour.apply([{ kind: 'delete-neighbour', neighbour: { link: 'eth0', ip, mac: MAC } }]);
      expect(await made.asks(ip)).toBeUndefined();
    }
  });

  it('are given over IPv4 on an interface that takes no IPv6, which is said', async () => {
    using made = scene();
    // Below what IPv6 asks of every link (RFC 8200 §5) the kernel takes it off.
    using own = openNetlink();
    own.apply([{ kind: 'set-link', link: 'eth0', mtu: 1000 }]);
    expect(made.answers.answer(new Map([['eth0', [V4, V6]]]))).toEqual(
      new Map([['eth0', expect.stringContaining('joining the group in which neighbours ask')]]),
    );
    await expect.poll(() => made.asks(V4)).toBe(MAC);
  });

  it('tell neighbours that knew another host by the address', async () => {
    using made = scene();
    await expect.poll(() => made.run('ip', '-6', 'address', 'show', 'dev', 'eth0', 'tentative')).toBe('');
    const stale = (ip: Ip) =>
      ({
        kind: 'replace-neighbour',
        neighbour: { link: 'eth0', ip, mac: '02:00:00:00:00:99', state: 'stale' },
      }) as const;
    made.neighbour.apply([V4, V6].map(stale));
    made.answers.answer(new Map([['eth0', [V4, V6]]]));
    await expect.poll(() => [made.knows(V4), made.knows(V6)]).toEqual([MAC, MAC]);
    // Twice more, in case that got lost; then neighbours are left alone.
    for (const heard of [true, true, false]) {
      made.neighbour.apply([V4, V6].map(stale));
      made.answers.repeat();
      if (heard) await expect.poll(() => [made.knows(V4), made.knows(V6)]).toEqual([MAC, MAC]);
    }
    expect([made.knows(V4), made.knows(V6)]).not.toContain(MAC);
  });

  it('keep others from taking an IPv6 address', async () => {
    using made = scene();
    made.answers.answer(new Map([['eth0', [V6]]]));
    await expect.poll(() => made.asks(V6)).toBe(MAC);
    await made.run('ip', 'address', 'add', '2001:db8::64/64', 'dev', 'eth0');
    await expect.poll(() => made.run('ip', '-6', 'address', 'show', 'dev', 'eth0')).toContain('dadfailed');
  });

  it('say which interface is not there', () => {
    using made = scene();
    expect([...made.answers.answer(new Map([['eth7', [V4]]]))]).toEqual([
      ['eth7', 'there is no such interface with a hardware address'],
    ]);
  });
});
