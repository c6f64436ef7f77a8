import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNetlink } from '../netlink/kernel.ts';
import type { Netlink } from '../netlink/port.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { openTrafficControl } from './kernel.ts';
import type { TokenBucket, TrafficControl } from './port.ts';
import { isSameBucket } from './tc-codec.ts';

const directory = enterPrivateNetwork();
let netns: string;
let made = 0;
let netlink: Netlink;
let traffic: TrafficControl;

beforeEach(() => {
  netns = join(directory!, `tc-${++made}`);
  createNetns(netns);
  netlink = openNetlink({ netns });
  traffic = openTrafficControl({ netns });
  netlink.apply([
    { kind: 'add-link', link: { type: 'veth', name: 'near', up: true, peer: { name: 'far' } } },
    { kind: 'add-link', link: { type: 'ifb', name: 'queue', mtu: 1400, up: true } },
  ]);
});

afterEach(() => {
  traffic[Symbol.dispose]();
  netlink[Symbol.dispose]();
  deleteNetns(netns);
});

/** What iproute2 sees. */
function tc(...args: string[]): unknown {
  return JSON.parse(execFileSync('nsenter', [`--net=${netns}`, 'tc', '-j', ...args], { encoding: 'utf8' }));
}

const indexOf = (name: string): number => netlink.link(name)!.index;

describe.skipIf(directory === undefined)('queues of the kernel', () => {
  it.each<[string, TokenBucket]>([
    ['of an ordinary rate', { rate: 12_500_000, burst: 131_072, limit: 443_572 }],
    ['slower than a packet a second', { rate: 100, burst: 3000, limit: 3000 }],
    ['with a burst of minutes', { rate: 125_000, burst: 2 ** 32 - 1, limit: 262_144 }],
    ['faster than 32 bits of bytes', { rate: 12_500_000_000, burst: 1_000_000, limit: 2 ** 32 - 1 }],
  ])('take a bucket %s and tell of it', (_, bucket) => {
    traffic.shape(indexOf('near'), { rate: 1, burst: 2000, limit: 2000 });
    traffic.shape(indexOf('near'), bucket);
    const read = traffic.bucketOf(indexOf('near'))!;
    expect(read).toMatchObject({ rate: bucket.rate, limit: bucket.limit });
    expect(isSameBucket(bucket, read)).toBe(true);
    expect(isSameBucket({ ...bucket, limit: bucket.limit - 1 }, read)).toBe(false);
    expect(tc('qdisc', 'show', 'dev', 'near')).toMatchObject([
      { kind: 'tbf', root: true, options: { rate: bucket.rate } },
    ]);
  });

  it('have no bucket of which nobody spoke', () => {
    traffic.shape(indexOf('far'), { rate: 1000, burst: 2000, limit: 2000 });
    expect(traffic.bucketOf(indexOf('near'))).toBeUndefined();
    expect(traffic.divertedTo(indexOf('near'))).toBeUndefined();
  });

  it('lead what comes in by a link through another', () => {
    traffic.divert(indexOf('near'), indexOf('queue'));
    expect(traffic.divertedTo(indexOf('near'))).toBe(indexOf('queue'));
    expect(JSON.stringify(tc('filter', 'show', 'dev', 'near', 'ingress'))).toMatch(
      /"kind":"mirred","mirred_action":"redirect","direction":"egress","to_dev":"queue"/,
    );
    expect(() => traffic.divert(indexOf('near'), indexOf('queue'))).toThrow(/leading what comes in/);
  });

  it('are known by their links, whoever made them', () => {
    const [near, far] = ['near', 'far'].map(indexOf);
    expect([near, far].map((link) => traffic.queued().has(link!))).toEqual([false, false]);
    traffic.divert(near!, indexOf('queue'));
    expect([near, far].map((link) => traffic.queued().has(link!))).toEqual([true, false]);
    execFileSync('nsenter', [`--net=${netns}`, 'tc', 'qdisc', 'add', 'dev', 'far', 'root', 'pfifo']);
    expect([near, far].map((link) => traffic.queued().has(link!))).toEqual([true, true]);
  });

  it('are refused for a link that is not there', () => {
    expect(() => traffic.shape(4242, { rate: 1000, burst: 2000, limit: 2000 })).toThrow(
      /limiting the rate of link 4242/,
    );
  });
});
