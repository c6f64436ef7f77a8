import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { emptyBlock } from '../../core/ipam/index.ts';
import type { Block } from '../../core/ipam/index.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { leakedHandles, wiredElsewhere } from './adoption.ts';

const BLOCK: Block = {
  ...emptyBlock(parseCidr('10.0.0.0/29')!, 'n1', false),
  allocations: new Map([
    [0, { handle: 'net.old', attributes: { node: 'n1' } }],
    [1, { handle: 'net.imported', attributes: { node: 'n1', bootID: 'now' } }],
    [2, { handle: 'net.before', attributes: { node: 'n1', bootID: 'earlier' } }],
    [3, { handle: 'net.calico', attributes: { node: 'n1' } }],
    [4, { handle: 'net.guest', attributes: { node: 'n2' } }],
    [5, { handle: 'vxlan-tunnel-addr-n1', attributes: { node: 'n1' } }],
  ]),
};

describe('handles without a record', () => {
  it('are leaked unless another network has wired their pods since this start of the node', () => {
    const link = { index: 7, name: 'cali0123', kind: 'veth' };
    const route = { destination: parseCidr('10.0.0.3/32')!, link: 7 };
    const netlink = { links: () => [link], routes: () => [route] } as never;
    const isWired = wiredElsewhere(new FakeSysctl({ 'kernel/random/boot_id': 'now' }), netlink);
    expect(leakedHandles('n1', [BLOCK], new Map(), isWired)).toEqual(['net.old', 'net.before']);
  });
});
