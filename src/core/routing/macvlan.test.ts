import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { placeOn, takenOn } from './macvlan.ts';

const segment = {
  master: 'eth0',
  addresses: ['172.30.1.11/24', 'fd00:30:1::11/64'].map((text) => parseCidr(text)!),
  gateways: [parseIp('172.30.1.1')!],
};

describe('the segment of a node', () => {
  it("tells the length of a pod's network and the way out, as far as there is one", () => {
    expect(placeOn(segment, parseIp('172.30.1.200')!)).toEqual({ prefix: 24, gateway: parseIp('172.30.1.1') });
    expect(placeOn(segment, parseIp('fd00:30:1:0:1::5')!)).toEqual({ prefix: 64 });
  });

  it.each([
    ['10.244.0.5', '10.244.0.5 is in no subnet of macvlan master eth0 (172.30.1.11/24)'],
    ['172.30.2.5', 'has to be a part of the segment'],
    ['fd00:30:2::5', '(fd00:30:1::11/64)'],
  ])('has no place for %s, and says why', (ip, message) => {
    expect(placeOn(segment, parseIp(ip)!)).toContain(message);
  });

  it('keeps the addresses of nodes, the way out and the ends of its subnets', () => {
    const taken = takenOn(segment, [parseIp('172.30.1.11')!, parseIp('172.30.1.12')!]);
    expect(taken.map(formatCidr)).toEqual([
      '172.30.1.11/32',
      '172.30.1.12/32',
      '172.30.1.1/32',
      '172.30.1.0/32',
      '172.30.1.255/32',
      'fd00:30:1::/128',
      'fd00:30:1:0:ffff:ffff:ffff:ffff/128',
    ]);
  });
});
