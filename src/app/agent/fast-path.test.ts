import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { FastPath as Plan, Ruleset, Transaction } from '../../core/nft/index.ts';
import { EMPTY_RULESET, fastPathTable } from '../../core/nft/index.ts';
import { FakeNftables } from '../../host/nftables/fake.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { FastPath } from './fast-path.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIBERAL = 'net/netfilter/nf_conntrack_tcp_be_liberal';
const pod = (name: string, address: string) => ({ interface: name, addresses: [parseIp(address)!] });
const PLAN: Plan = {
  pods: [pod('slca', '10.244.1.2'), pod('slcb', '10.244.1.3')],
  devices: ['eth0'],
  hops: [{ destination: parseCidr('10.244.2.0/26')!, via: parseIp('172.30.1.12')! }],
};

const LINKS = [
  ['slca', 1500],
  ['slcb', 1500],
  ['eth0', 1500],
] as const;

/** A kernel that can be told to refuse, and counts what it was asked. */
class Kernel extends FakeNftables {
  refuses = false;
  readonly asked: Transaction[] = [];

  override apply(transaction: Transaction): void {
    this.asked.push(transaction);
    if (this.refuses) throw new Error('no such thing here');
    super.apply(transaction);
  }

  get chains(): readonly string[] | undefined {
    const table: Ruleset | undefined = this.actual(EMPTY_RULESET);
    return table === undefined ? undefined : [...table.chains.keys()].sort();
  }
}

function make() {
  const kernel = new Kernel();
  const sysctl = new FakeSysctl({ [LIBERAL]: '0' });
  const world = { plan: PLAN, links: new Map<string, number>(LINKS) };
  const fast = new FastPath({
    deviceFilter: kernel,
    sysctl,
    log: silentLogger,
    plan: () => world.plan,
    links: () => world.links,
  });
  const settle = () => vi.advanceTimersByTime(100);
  return { kernel, sysctl, world, fast, settle };
}

const ALL = ['egress-eth0', 'egress-slca', 'egress-slcb', 'ingress-eth0', 'ingress-slca', 'ingress-slcb'];

it('is there soon after it was asked for, once conntrack tolerates what it will not see', () => {
  const { kernel, sysctl, fast, settle } = make();
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL);
  expect(sysctl.read(LIBERAL)).toBe('1');
  expect(fast.status()).toEqual({ devices: ['eth0'] });
});

it('has conntrack keep what it holds for unanswered as long as what is idle, and shortens nothing', () => {
  const { sysctl, fast, settle } = make();
  const timeout = (name: string): string => `net/netfilter/nf_conntrack_tcp_timeout_${name}`;
  for (const [name, value] of Object.entries({ established: '432000', unacknowledged: '300', max_retrans: '500000' }))
    sysctl.values.set(timeout(name), value);
  fast.changed();
  settle();
  expect([timeout('unacknowledged'), timeout('max_retrans')].map((key) => sysctl.read(key))).toEqual([
    '432000',
    '500000',
  ]);
});

it('has no chain of a device that is gone, and has it when the device is there', () => {
  const { kernel, world, fast, settle } = make();
  world.links.delete('slcb');
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL.filter((name) => !name.endsWith('slcb')));
  world.links = new Map<string, number>(LINKS);
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL);
});

it('has no chain of a pod that may send more than a device takes', () => {
  const { kernel, world, fast, settle } = make();
  world.links.set('eth0', 1450).set('slca', 1450);
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL.filter((name) => !name.endsWith('slcb')));
});

it('forgets at once when something changes, before it is made anew', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  kernel.asked.length = 0;
  fast.changed();
  expect(kernel.asked.map((steps) => steps.map(({ op }) => op))).toEqual([Array(4).fill('flush-set')]);
});

it('learns nothing that leaves for a while after connections have ended, and as before then', () => {
  const { kernel, fast, settle } = make();
  const rules = (chain: string) => kernel.actual(fastPathTable(PLAN))?.chains.get(chain)?.rules.length;
  fast.changed();
  settle();
  const before = rules('egress-eth0');
  fast.ended();
  expect([rules('egress-eth0'), rules('egress-slca')]).toEqual([0, before]);
  vi.advanceTimersByTime(4000);
  fast.ended();
  vi.advanceTimersByTime(4900);
  expect(rules('egress-eth0')).toBe(0);
  vi.advanceTimersByTime(200);
  expect(rules('egress-eth0')).toBe(before);
});

it('learns nothing that leaves when connections end after it was stopped', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  fast.stop();
  fast.ended();
  expect(kernel.actual(fastPathTable(PLAN))?.chains.get('egress-eth0')?.rules).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('forgets what it was about to forget when it is stopped', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  kernel.asked.length = 0;
  fast.forgetSoon();
  fast.stop();
  expect(kernel.asked.map((steps) => steps.map(({ op }) => op))).toEqual([Array(4).fill('flush-set')]);
});

it('is gone when there is no other node, and comes again with one', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  world.plan = { ...PLAN, devices: [], hops: [] };
  fast.changed();
  settle();
  expect(kernel.chains).toBeUndefined();
  expect(fast.status()).toEqual({ devices: [] });
  world.plan = PLAN;
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL);
});

it('is made anew after somebody has taken it away', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  kernel.apply([{ op: 'destroy-table' }]);
  fast.forget();
  settle();
  expect(kernel.chains).toEqual(ALL);
});

it('takes over what an agent before has left, and changes what is different', () => {
  const { kernel, sysctl, world, fast, settle } = make();
  fast.changed();
  settle();
  const before = { ...PLAN, pods: PLAN.pods.slice(0, 1) };
  const next = new FastPath({
    deviceFilter: kernel,
    sysctl,
    log: silentLogger,
    plan: () => before,
    links: () => world.links,
  });
  next.changed();
  settle();
  expect(kernel.chains).toEqual(ALL.filter((name) => !name.endsWith('slcb')));
});

it('says why there is none where the kernel refuses, asks it ever less often, and is there when it no longer does', () => {
  const { kernel, fast } = make();
  kernel.refuses = true;
  fast.changed();
  vi.advanceTimersByTime(3_600_000);
  expect(fast.status()).toEqual({ devices: [], problem: 'no such thing here' });
  // Each try is a few questions; the wait between two is a minute in the end.
  expect(kernel.asked.length).toBeLessThan(400);
  kernel.refuses = false;
  vi.advanceTimersByTime(120_000);
  expect(kernel.chains).toEqual(ALL);
  expect(fast.status()).toEqual({ devices: ['eth0'] });
});

it('goes on asking until what may be there is gone', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  world.plan = { ...PLAN, devices: [], hops: [] };
  kernel.refuses = true;
  fast.changed();
  vi.advanceTimersByTime(10_000);
  expect(kernel.chains).toEqual(ALL);
  kernel.refuses = false;
  vi.advanceTimersByTime(2000);
  expect(kernel.chains).toBeUndefined();
});

it('does not begin where conntrack cannot be made tolerant', () => {
  const { kernel, sysctl, fast, settle } = make();
  vi.spyOn(sysctl, 'write').mockImplementation(() => {
    throw new Error('read-only file system');
  });
  fast.changed();
  settle();
  expect(kernel.chains).toBeUndefined();
  expect(fast.status().problem).toBe('read-only file system');
});

it('does nothing after it was stopped, and leaves what is there', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  fast.forgetSoon();
  fast.stop();
  world.plan = { ...PLAN, devices: [] };
  fast.changed();
  settle();
  expect(kernel.chains).toEqual(ALL);
});
