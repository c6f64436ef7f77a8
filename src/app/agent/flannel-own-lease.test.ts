import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { parseEtcdNetConf } from '../../core/flannel/index.ts';
import type { FlannelLease } from '../../core/flannel/index.ts';
import { EtcdServer } from '../../host/etcd/etcd.test-support.ts';
import type { Etcd } from '../../host/etcd/types.ts';
import { followLeases } from '../../host/flannel/follow-leases.ts';
import { LeaseStore } from '../../host/flannel/lease-store.ts';
import { FlannelOwnLease } from './flannel-own-lease.ts';

const SUBNETS = '/coreos.com/network/subnets/';

let server: EtcdServer;

beforeAll(async () => {
  // As often as no other client asks for signs of life.
  server = await EtcdServer.start({ arguments: ['--grpc-keepalive-min-time', '50ms'] });
});
beforeEach(() => void server.ctl('del', '--prefix', '/'));
afterAll(() => server[Symbol.asyncDispose]());

/** Counts what is written without a trace. */
class CountingStore extends LeaseStore {
  renewals = 0;

  override async renew(lease: number): Promise<boolean> {
    this.renewals++;
    return super.renew(lease);
  }
}

interface NodeOptions {
  readonly address: string;
  readonly netConf?: object;
  readonly previous?: string;
  readonly seconds?: number;
  /** Soon notices that a server is cut off, for which it may take one on a busy machine. */
  readonly hasty?: boolean;
}

/** A node with a connection and a clock of its own. */
class TestNode {
  readonly #stop = new AbortController();
  readonly #etcd: Etcd;
  readonly #done: Promise<unknown>;
  readonly store: CountingStore;
  readonly own: FlannelOwnLease;
  /** Subnets that it was told to have, in order. */
  readonly told: string[] = [];
  address: string;
  time = 0;
  silences = 0;

  constructor({ address, netConf = {}, previous, seconds = 600, hasty = false }: NodeOptions) {
    this.address = address;
    this.#etcd = server.client(hasty ? { timeout: 1000, keepalive: 200 } : {});
    this.store = new CountingStore(this.#etcd, '/coreos.com/network', seconds);
    const reading = parseEtcdNetConf(
      JSON.stringify({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan' }, ...netConf }),
    );
    if (reading.kind === 'bad') throw new Error(reading.problems.join());
    this.own = new FlannelOwnLease({
      store: this.store,
      cuts: reading.cuts,
      own: () => this.#words(),
      previous: previous === undefined ? [] : [parseCidr(previous)!],
      log: silentLogger,
      now: () => this.time,
      // All want the same subnet, and none of those that the tests name.
      random: () => 0,
      onSubnets: () => this.told.push(this.subnet!),
    });
    const listener = {
      onLeases: (known: Parameters<FlannelOwnLease['told']>[0]) => this.own.told(known),
      onError: () => this.silences++,
    };
    const { signal } = this.#stop;
    this.#done = Promise.all([followLeases(this.store, listener, signal), this.own.run(signal)]);
  }

  get subnet(): string | undefined {
    return this.own.subnets?.map((subnet: Cidr) => formatCidr(subnet)).join();
  }

  #words(): FlannelLease {
    const mac = `6a:00:00:00:00:${this.address.split('.')[3]!.padStart(2, '0')}`;
    const subnet = parseCidr('0.0.0.0/0')!;
    return {
      backendType: 'vxlan',
      families: { 4: { subnet, publicIp: parseIp(this.address)!, vtep: { vni: 1, mac } } },
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#etcd.close();
  }
}

const nodes: TestNode[] = [];
afterEach(async () => {
  server.resume();
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

function start(options: NodeOptions): TestNode {
  const node = new TestNode(options);
  nodes.push(node);
  return node;
}

/** A node that has a lease. */
async function leased(options: NodeOptions): Promise<TestNode> {
  const node = start(options);
  await expect.poll(() => node.subnet).toBeDefined();
  return node;
}

/** Address by subnet, as etcd has it. */
function stored(): Readonly<Record<string, string>> {
  const lines = server.ctl('get', '--prefix', SUBNETS).trim().split('\n');
  const pairs = lines.flatMap((line, i) =>
    i % 2 === 1
      ? [[lines[i - 1]!.slice(SUBNETS.length), (JSON.parse(line) as { readonly PublicIP: string }).PublicIP]]
      : [],
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}
const SAID = (address: string): string => JSON.stringify({ PublicIP: address, BackendType: 'host-gw' });

describe('the lease of a node', () => {
  it('is another than those of all that race for one, and a node without one says so', async () => {
    const netConf = { Network: '10.244.0.0/26', SubnetLen: 28, SubnetMin: '10.244.0.0' };
    const four = await Promise.all([1, 2, 3, 4].map((n) => leased({ address: `192.0.2.${n}`, netConf })));
    const all = ['10.244.0.0/28', '10.244.0.16/28', '10.244.0.32/28', '10.244.0.48/28'];
    expect(new Set(four.map(({ subnet }) => subnet))).toEqual(new Set(all));
    expect(Object.values(stored()).sort()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']);
    const fifth = start({ address: '192.0.2.5', netConf });
    await expect.poll(() => fifth.own.problem).toBe('every subnet of /28 in 10.244.0.0/26 is leased');
    await four[2]!.stop();
    server.ctl('del', SUBNETS + four[2]!.own.key!);
    await expect.poll(() => fifth.subnet).toBe(four[2]!.subnet);
    expect(fifth.own.problem).toBeUndefined();
  });

  it('is the same in its next life, by its address or by what it remembers', async () => {
    const first = await leased({ address: '192.0.2.1' });
    await first.stop();
    expect(await leased({ address: '192.0.2.1' })).toMatchObject({ subnet: first.subnet });
    server.ctl('del', '--prefix', SUBNETS);
    expect(await leased({ address: '192.0.2.9', previous: '10.244.77.0/24' })).toMatchObject({
      subnet: '10.244.77.0/24',
    });
  });

  it('is given up for another when the network would not give it out any more', async () => {
    server.ctl('put', `${SUBNETS}10.99.1.0-24`, SAID('192.0.2.1'));
    const node = await leased({ address: '192.0.2.1' });
    expect(node.subnet).toMatch(/^10\.244\./u);
    expect(Object.values(stored())).toEqual(['192.0.2.1']);
  });

  it('is renewed when a third of its time is over', async () => {
    const node = await leased({ address: '192.0.2.1', seconds: 600 });
    expect(node.store.renewals).toBe(0);
    node.time += 200_000;
    node.own.changed();
    await expect.poll(() => node.store.renewals).toBe(1);
    node.time += 199_000;
    node.own.changed();
    server.ctl('put', `${SUBNETS}10.244.9.0-24`, SAID('192.0.2.9'));
    await expect.poll(() => Object.keys(stored()).length).toBe(2);
    expect(node.store.renewals).toBe(1);
  });

  it('may be a reservation, which has no end', async () => {
    server.ctl('put', `${SUBNETS}10.244.5.0-24`, SAID('192.0.2.1'));
    const node = await leased({ address: '192.0.2.1' });
    expect(node.subnet).toBe('10.244.5.0/24');
    await expect.poll(() => server.ctl('get', '--prefix', SUBNETS)).toContain('"BackendType":"vxlan"');
    expect((await node.store.list()).entries).toMatchObject([{ lease: 0 }]);
    node.time += 1e9;
    node.own.changed();
    server.ctl('put', `${SUBNETS}10.244.9.0-24`, SAID('192.0.2.9'));
    await expect.poll(() => Object.keys(stored()).length).toBe(2);
    expect([node.store.renewals, node.own.problem]).toEqual([0, undefined]);
  });

  it('is taken again when it is lost, and another one if somebody was faster', async () => {
    const node = await leased({ address: '192.0.2.1' });
    const key = node.own.key!;
    for (const lose of [() => server.ctl('del', SUBNETS + key), () => server.ctl('lease', 'revoke', leaseOf(key))]) {
      const before = revisionOf(key);
      lose();
      await expect.poll(() => revisionOf(key) > before).toBe(true);
    }
    expect(node.told).toEqual([node.subnet]);
    const lost = node.subnet!;
    server.ctl('put', SUBNETS + key, SAID('192.0.2.77'));
    await expect.poll(() => node.told.length).toBe(2);
    expect(node.subnet).not.toBe(lost);
    expect(stored()).toMatchObject({ [key]: '192.0.2.77', [node.own.key!]: '192.0.2.1' });
  });

  it('ends when its node does not come back, and the others keep theirs', async () => {
    const netConf = { Network: '10.244.0.0/26', SubnetLen: 28, SubnetMin: '10.244.0.32' };
    const other = await leased({ address: '192.0.2.2', netConf });
    const short = await leased({ address: '192.0.2.1', netConf, seconds: 1 });
    await short.stop();
    const next = await leased({ address: '192.0.2.3', netConf });
    expect([next.subnet, other.told]).toEqual([short.subnet, [other.subnet]]);
  });

  it('says where the node is now, in the same place', async () => {
    const node = await leased({ address: '192.0.2.1' });
    const key = node.own.key!;
    node.address = '192.0.2.50';
    node.own.changed();
    await expect.poll(() => stored()).toEqual({ [key]: '192.0.2.50' });
    expect(node.told).toEqual([node.subnet]);
  });

  it('outlives the death of etcd and a time without an answer of it', async () => {
    const [one, two] = await Promise.all([1, 2].map((n) => leased({ address: `192.0.2.${n}`, hasty: true })));
    const both = stored();
    await server.kill();
    await expect.poll(() => Math.min(one!.silences, two!.silences)).toBeGreaterThan(0);
    await server.start();
    const third = await leased({ address: '192.0.2.3', hasty: true });
    server.pause();
    const before = [one!, two!, third].map(({ silences }) => silences);
    const cutOff = (): boolean => [one!, two!, third].every(({ silences }, i) => silences > before[i]!);
    await expect.poll(cutOff).toBe(true);
    // What has to be written now can be written later.
    two!.address = '192.0.2.22';
    two!.own.changed();
    await expect.poll(() => two!.own.problem).toMatch(/etcd/u);
    server.resume();
    const expected = { ...both, [two!.own.key!]: '192.0.2.22', [third.own.key!]: '192.0.2.3' };
    await expect.poll(() => stored()).toEqual(expected);
    await expect.poll(() => two!.own.problem).toBeUndefined();
    expect([one, two, third].map((node) => node!.told.length)).toEqual([1, 1, 1]);
  });
});

interface KeyHeader {
  readonly kvs?: readonly { readonly mod_revision: number; readonly lease: number }[];
}
const headerOf = (key: string): KeyHeader => JSON.parse(server.ctl('get', '-w', 'json', SUBNETS + key)) as KeyHeader;
const revisionOf = (key: string): number => headerOf(key).kvs?.[0]?.mod_revision ?? 0;
const leaseOf = (key: string): string => headerOf(key).kvs![0]!.lease.toString(16);
