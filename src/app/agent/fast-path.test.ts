import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { SluiceError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { blockKey, hopValue, MAPS, STATE_KEY, stateValue } from '../../core/fast-path/index.ts';
import { FakeKernel } from '../../host/bpf/fake.ts';
import type { FakeBpf } from '../../host/bpf/fake.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { FastPath, removeFastPath } from './fast-path.ts';
import type { FastPathPlan } from './fast-path.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIBERAL = 'net/netfilter/nf_conntrack_tcp_be_liberal';
const INDEXES = { eth0: 1, slca: 2, slcb: 3, 'vxlan.sluice': 4 } as const;
type Name = keyof typeof INDEXES;
const pod = (name: string, address: string) => ({ interface: name, addresses: [parseIp(address)!] });
const block = parseCidr('10.244.2.0/26')!;
const via = parseIp('172.30.1.12')!;
const PLAN: FastPathPlan = {
  pods: [pod('slca', '10.244.1.2'), pod('slcb', '10.244.1.3')],
  devices: ['eth0'],
  hops: [{ destination: block, via }],
  wraps: true,
};
const WRAPPING = {
  own: parseIp('172.30.1.11')!,
  peer: via,
  vni: 4096,
  port: 4789,
  ownMac: '66:00:00:00:00:01',
  peerMac: '66:00:00:00:00:02',
};
const TUNNELLED: FastPathPlan = {
  ...PLAN,
  devices: ['vxlan.sluice'],
  hops: [{ destination: block, via: parseIp('10.244.2.0')!, wrapping: { ...WRAPPING, device: 'eth0' } }],
};
const linksOf = (mtus: Partial<Record<Name, number>>) =>
  new Map(Object.entries(mtus).map(([name, mtu]) => [name, { index: INDEXES[name as Name], mtu }]));
const LINKS = linksOf({ eth0: 1500, slca: 1500, slcb: 1500, 'vxlan.sluice': 1450 });

/** A kernel that can be told to refuse, and knows what was opened last. */
class Kernel extends FakeKernel {
  refuses = false;
  asked = 0;
  opened: FakeBpf | undefined;

  override open(): FakeBpf {
    this.opened = super.open();
    return this.opened;
  }

  override at(...place: Parameters<FakeKernel['at']>): ReturnType<FakeKernel['at']> {
    this.asked++;
    if (this.refuses) throw new SluiceError('permission', 'no such thing here');
    return super.at(...place);
  }

  /** What is attached where. */
  get attached(): readonly string[] {
    const { refuses } = this;
    this.refuses = false;
    const found = Object.entries(INDEXES).flatMap(([name, index]) =>
      (['ingress', 'egress'] as const).flatMap((direction) =>
        this.links.has(index)
          ? this.at(index, direction).map(
              (program) => `${name} ${direction} ${program.name.replace('sluice_fast_', '')}`,
            )
          : [],
      ),
    );
    this.refuses = refuses;
    return found;
  }

  /** Generation, and whether it learns. */
  get state(): readonly number[] {
    return [...new Uint32Array(this.opened!.maps.get(MAPS.state.name)!.get(STATE_KEY)!.buffer)];
  }

  get hops(): readonly (readonly [string, string])[] {
    const map = this.opened!.maps.get(MAPS.hops.name)!;
    return map.keys().map((key) => [key.toHex(), map.get(key)!.toHex()]);
  }
}

function make() {
  const kernel = new Kernel(Object.values(INDEXES));
  const sysctl = new FakeSysctl({ [LIBERAL]: '0' });
  const world = { plan: PLAN, links: LINKS, queued: new Set<number>() };
  const again = () =>
    new FastPath({
      openBpf: () => kernel.open(),
      sysctl,
      log: silentLogger,
      plan: () => world.plan,
      links: () => world.links,
      queued: () => world.queued,
    });
  const settle = () => vi.advanceTimersByTime(100);
  return { kernel, sysctl, world, fast: again(), again, settle };
}

const ALL = [
  'eth0 ingress to',
  'eth0 egress in',
  'slca ingress from',
  'slca egress in',
  'slcb ingress from',
  'slcb egress in',
];
const hop = (value: Uint8Array) => [blockKey(block).toHex(), value.toHex()];

it('is there soon after it was asked for, once conntrack tolerates what it will not see', () => {
  const { kernel, sysctl, fast, settle } = make();
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL);
  expect(kernel.hops).toEqual([hop(hopValue({ via }))]);
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

it('wraps for tunnels, and watches the device that they lead through', () => {
  const { kernel, world, fast, settle } = make();
  world.plan = TUNNELLED;
  world.links = linksOf({ eth0: 1500, slca: 1450, 'vxlan.sluice': 1450 });
  fast.changed();
  settle();
  expect(kernel.attached).toEqual([
    'eth0 egress in',
    'slca ingress from',
    'slca egress in',
    'vxlan.sluice ingress to',
    'vxlan.sluice egress in',
  ]);
  const [{ via: tunnel }] = TUNNELLED.hops as [FastPathPlan['hops'][number]];
  expect(kernel.hops).toEqual([hop(hopValue({ via: tunnel, wrapping: { ...WRAPPING, link: 1, mtu: 1500 } }))]);
  world.plan = { ...TUNNELLED, wraps: false };
  fast.changed();
  settle();
  expect(kernel.hops).toEqual([hop(hopValue({ via: tunnel }))]);
  expect(kernel.attached).not.toContain('eth0 egress in');
});

it('follows what it is made of', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  const other = { destination: parseCidr('10.244.3.0/26')!, via: parseIp('172.30.1.13')! };
  world.plan = { ...PLAN, pods: PLAN.pods.slice(1), hops: [other] };
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL.filter((text) => !text.startsWith('slca')));
  expect(kernel.hops).toEqual([[blockKey(other.destination).toHex(), hopValue({ via: other.via }).toHex()]]);
});

it('leaves a device alone that is gone, and has it when the device is there', () => {
  const { kernel, world, fast, settle } = make();
  // Listed, and gone a moment later.
  kernel.links.delete(INDEXES.slcb);
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL.filter((text) => !text.startsWith('slcb')));
  world.links = linksOf({ eth0: 1500, slca: 1500 });
  fast.changed();
  settle();
  kernel.links.add(INDEXES.slcb);
  world.links = LINKS;
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL);
  expect(fast.status()).toEqual({ devices: ['eth0'] });
});

it('is not for a pod whose packets may be larger than a device takes', () => {
  const { kernel, world, fast, settle } = make();
  world.links = linksOf({ eth0: 1400, slca: 1400, slcb: 1500 });
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL.filter((text) => !text.startsWith('slcb')));
});

it('is not for a pod with queues, which another plugin may make a moment after ours', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL);
  world.queued = new Set([INDEXES.slcb]);
  vi.advanceTimersByTime(2000);
  expect(kernel.attached).toEqual(ALL.filter((text) => !text.startsWith('slcb')));
  expect(vi.getTimerCount()).toBe(0);
});

it('forgets at once when something changes, before it is made anew', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  const [generation] = kernel.state;
  fast.changed();
  expect(kernel.state).toEqual([generation! + 1, 1]);
  fast.forgetSoon();
  fast.forgetSoon();
  vi.advanceTimersToNextTimer();
  expect(kernel.state[0]).toBeGreaterThan(generation! + 1);
});

it('learns nothing for a while after connections have ended, and as before then', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  const [generation] = kernel.state;
  fast.ended();
  expect(kernel.state).toEqual([generation! + 1, 0]);
  vi.advanceTimersByTime(4000);
  fast.ended();
  vi.advanceTimersByTime(4900);
  expect(kernel.state[1]).toBe(0);
  vi.advanceTimersByTime(200);
  expect(kernel.state[1]).toBe(1);
});

it('forgets, and learns nothing any more, when connections end after it was stopped', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  const [generation] = kernel.state;
  fast.stop();
  fast.ended();
  expect(kernel.state).toEqual([generation! + 1, 0]);
  expect(vi.getTimerCount()).toBe(0);
});

it('forgets what it was about to forget when it is stopped, and leaves what is there', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  const [generation] = kernel.state;
  fast.forgetSoon();
  fast.stop();
  expect(kernel.state).toEqual([generation! + 1, 1]);
  world.plan = { ...PLAN, devices: [] };
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL);
});

it('is gone when there is no other node, and comes again with one', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  const { opened } = kernel;
  world.plan = { ...PLAN, devices: [], hops: [] };
  fast.changed();
  settle();
  expect(kernel.attached).toEqual([]);
  expect(fast.status()).toEqual({ devices: [] });
  world.plan = PLAN;
  fast.changed();
  settle();
  expect(kernel.attached).toEqual(ALL);
  expect(kernel.hops).toEqual([hop(hopValue({ via }))]);
  expect(kernel.opened).not.toBe(opened);
});

it('is whole again after somebody has taken some of it away', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  kernel.at(INDEXES.slca, 'ingress').length = 0;
  fast.repair();
  settle();
  expect(kernel.attached).toEqual(ALL);
});

it('takes off what an agent before has left as soon as something is to be forgotten, and attaches its own', () => {
  const { kernel, world, fast, again, settle } = make();
  fast.changed();
  settle();
  fast.stop();
  const next = again();
  next.forget();
  expect(kernel.attached).toEqual([]);
  world.plan = { ...PLAN, pods: PLAN.pods.slice(0, 1) };
  next.changed();
  settle();
  expect(kernel.attached).toEqual(ALL.filter((text) => !text.startsWith('slcb')));
});

it('says why there is none where the kernel refuses, asks it ever less often, and is there when it no longer does', () => {
  const { kernel, fast } = make();
  kernel.refuses = true;
  fast.changed();
  vi.advanceTimersByTime(3_600_000);
  expect(fast.status()).toEqual({ devices: [], problem: 'no such thing here' });
  // Each try is a few questions; the wait between two is a minute in the end.
  expect(kernel.asked).toBeLessThan(400);
  kernel.refuses = false;
  vi.advanceTimersByTime(120_000);
  expect(kernel.attached).toEqual(ALL);
  expect(fast.status()).toEqual({ devices: ['eth0'] });
});

it('knows and learns nothing while what is there cannot be taken off, and goes on trying', () => {
  const { kernel, world, fast, settle } = make();
  fast.changed();
  settle();
  const [generation] = kernel.state;
  world.plan = { ...PLAN, devices: [], hops: [] };
  kernel.refuses = true;
  fast.changed();
  vi.advanceTimersByTime(10_000);
  expect(kernel.attached).toEqual(ALL);
  expect(kernel.state[0]).toBeGreaterThan(generation!);
  expect(kernel.state[1]).toBe(0);
  kernel.refuses = false;
  vi.advanceTimersByTime(20_000);
  expect(kernel.attached).toEqual([]);
});

it('does not begin where conntrack cannot be made tolerant', () => {
  const { kernel, sysctl, fast, settle } = make();
  vi.spyOn(sysctl, 'write').mockImplementation(() => {
    throw new Error('read-only file system');
  });
  fast.changed();
  settle();
  expect(kernel.attached).toEqual([]);
  expect(fast.status().problem).toBe('read-only file system');
});

it('can be taken off by whoever takes the node over', () => {
  const { kernel, fast, settle } = make();
  fast.changed();
  settle();
  kernel.at(INDEXES.eth0, 'ingress').push({ name: 'of_another' });
  removeFastPath(() => kernel.open(), [...LINKS.values(), { index: 99 }]);
  expect(kernel.attached).toEqual(['eth0 ingress of_another']);
});

it('begins with a generation that nothing was learnt in', () => {
  expect(stateValue(1, true)).toEqual(Uint8Array.from([1, 0, 0, 0, 1, 0, 0, 0]));
});
