import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrCovers, formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { claimLease } from './claim-lease.ts';
import type { StoredLease } from './claim-lease.ts';
import type { FlannelLease } from './lease.ts';
import { leaseKey, parseLeaseKey, renderStoredLease } from './stored-lease.ts';
import { parseEtcdNetConf } from './subnet-cut.ts';

const cutsOf = (more: object = {}) => {
  const reading = parseEtcdNetConf(JSON.stringify({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan' }, ...more }));
  if (reading.kind === 'bad') throw new Error(reading.problems.join());
  return reading.cuts;
};
const BOTH = cutsOf({ EnableIPv6: true, IPv6Network: 'fd00:10:244::/56' });

const lease = (address: string, mac: string): FlannelLease => ({
  backendType: 'vxlan',
  families: { 4: { subnet: parseCidr('0.0.0.0/0')!, publicIp: parseIp(address)!, vtep: { vni: 1, mac } } },
});
const MAC = '6a:00:00:00:00:01';
const own = lease('192.0.2.1', MAC);
const entry = (key: string, address = '192.0.2.9', mac = '6a:00:00:00:00:09'): StoredLease => ({
  key,
  value: renderStoredLease(lease(address, mac)),
});
const claim = (entries: readonly StoredLease[], more: Partial<Parameters<typeof claimLease>[0]> = {}) =>
  claimLease({ cuts: cutsOf(), entries, own, previous: [], random: () => 0, ...more });
const subnets = (...texts: readonly string[]) => texts.map((text) => parseCidr(text)!);

describe('a node that wants a lease', () => {
  it('takes up the one of its public address, though it remembers another', () => {
    const entries = [entry('10.244.3.0-24'), entry('10.244.4.0-24', '192.0.2.1')];
    expect(claim(entries, { previous: subnets('10.244.9.0/24') })).toEqual({
      kind: 'reuse',
      entry: entries[1],
      subnets: subnets('10.244.4.0/24'),
    });
  });

  it('drops the one that the network would not give out any more', () => {
    for (const key of ['10.244.4.0-25', '10.245.4.0-24', '10.244.0.0-24', '10.244.4.0-24&fd00:10:244:4::-64']) {
      const old = entry(key, '192.0.2.1');
      expect(claim([old])).toEqual({ kind: 'drop', entry: old });
    }
    expect(claim([entry('10.244.4.0-24', '192.0.2.1')], { cuts: BOTH })).toMatchObject({ kind: 'drop' });
  });

  it('takes what it had last, if nobody has it and the network has such', () => {
    const previous = subnets('10.244.9.0/24');
    expect(claim([entry('10.244.8.0-24')], { previous })).toEqual({
      kind: 'create',
      key: '10.244.9.0-24',
      subnets: previous,
    });
    for (const taken of ['10.244.9.0-24', '10.244.8.0-23', '10.244.9.128-25'])
      expect(claim([entry(taken)], { previous })).toMatchObject({ key: '10.244.1.0-24' });
    expect(claim([], { previous: subnets('10.9.9.0/24') })).toMatchObject({ key: '10.244.1.0-24' });
    expect(claim([], { previous, cuts: BOTH })).toMatchObject({ key: '10.244.1.0-24&fd00:10:244:1::-64' });
  });

  it('knows what it had by its VXLAN device, when its address has changed', () => {
    const entries = [entry('10.244.4.0-24', '192.0.2.99', MAC), entry('10.244.5.0-24', '192.0.2.98', MAC)];
    expect(claim(entries, { previous: subnets('10.244.5.0/24') })).toMatchObject({ kind: 'reuse', entry: entries[1] });
    // Two that say to have its device, and nothing that says which: neither is taken from whoever has it.
    expect(claim(entries)).toMatchObject({ kind: 'create' });
  });

  it('says so when all are taken, by keys that cannot be read as well', () => {
    const cuts = cutsOf({ Network: '10.244.0.0/28' });
    const keys = ['10.244.0.4-30', '10.244.0.8-30', '10.244.0.12-30'];
    expect(
      claim(
        keys.map((key) => ({ key, value: 'garbage' })),
        { cuts },
      ),
    ).toEqual({
      kind: 'full',
      problem: 'every subnet of /30 in 10.244.0.0/28 is leased',
    });
    expect(
      claim(
        [
          { key: '10.244.0.4-30', value: 'garbage' },
          { key: 'x', value: '' },
        ],
        { cuts },
      ),
    ).toMatchObject({
      key: '10.244.0.8-30',
    });
  });

  it('never takes what overlaps with another, of either family, however long that is', () => {
    const v4 = fc.tuple(fc.nat(255), fc.integer({ min: 17, max: 28 })).map(([n, length]) => `10.244.${n}.0-${length}`);
    const v6 = fc.nat(255).map((n) => `&fd00:10:244:${n.toString(16)}::-${n % 2 === 0 ? 64 : 57}`);
    const key = fc.tuple(v4, fc.option(v6, { nil: '' })).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (keys, random) => {
        const claimed = claim(
          keys.map((each) => entry(each)),
          { cuts: BOTH, random: () => random },
        );
        if (claimed.kind === 'full') return;
        if (claimed.kind !== 'create') throw new Error(claimed.kind);
        const taken = keys.flatMap((each) => parseLeaseKey(each)!);
        expect(leaseKey(claimed.subnets)).toBe(claimed.key);
        expect(claimed.subnets.map(({ prefix }) => prefix)).toEqual([24, 64]);
        for (const subnet of claimed.subnets)
          for (const each of taken)
            expect([formatCidr(each), cidrCovers(each, subnet), cidrCovers(subnet, each)]).toEqual([
              formatCidr(each),
              false,
              false,
            ]);
      }),
    );
  });

  it('looks past a lease that covers more subnets than could be counted', () => {
    const cuts = cutsOf({ EnableIPv6: true, IPv6Network: 'fd00::/16', IPv6SubnetLen: 120 });
    expect(claim([entry('10.244.1.0-24&fd00::-17')], { cuts })).toMatchObject({
      key: '10.244.2.0-24&fd00:8000::-120',
    });
  });
});
