import { expect, it } from 'vitest';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { filterBridges } from './bridge-filter.ts';

const [IPV4, IPV6] = ['net/bridge/bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-ip6tables'];

it('switches on what shows the packet filter the packets of bridges, and has no complaint then', () => {
  const sysctl = new FakeSysctl({ [IPV4]: '0', [IPV6]: '1' });
  expect(filterBridges(sysctl)).toBeUndefined();
  expect(sysctl.read(IPV4)).toBe('1');
});

it('names the module that is missing', () => {
  expect(filterBridges(new FakeSysctl({}))).toMatch(/br_netfilter is not loaded.*modprobe br_netfilter/);
});

it('names the switch that cannot be turned', () => {
  const sysctl = {
    read: () => '0',
    write: () => {
      throw new Error('read-only file system');
    },
  };
  expect(filterBridges(sysctl)).toMatch(/bridge-nf-call-iptables is 0 and cannot be set to 1.*read-only file system/);
});
