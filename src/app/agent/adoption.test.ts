import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { emptyBlock } from '../../core/ipam/index.ts';
import type { Block } from '../../core/ipam/index.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { leakedHandles, recoverEndpoints, wiredElsewhere } from './adoption.ts';
import { interfaceName } from './endpoint-record.ts';

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

describe('a pod whose record was lost', () => {
  it('is recovered with the hardware address that the kernel has for it', () => {
    const handle = 'net.1234';
    const attributes = { node: 'n1', namespace: 'default', pod: 'web' };
    const block: Block = { ...BLOCK, allocations: new Map([[6, { handle, attributes }]]) };
    const name = interfaceName(handle);
    const netlink = {
      links: () => [{ index: 8, name, kind: 'veth', mtu: 1450 }],
      neighbours: () => [{ link: 8, mac: '1c:0c:0a:c0:ff:ee', state: 'permanent' }],
    } as never;
    const [record] = recoverEndpoints('n1', [block], new Map(), netlink);
    expect(record).toMatchObject({
      id: handle,
      network: 'net',
      containerId: '1234',
      mac: '1c:0c:0a:c0:ff:ee',
      pod: 'web',
    });
  });
});
