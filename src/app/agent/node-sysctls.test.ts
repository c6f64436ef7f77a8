import { expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { setNodeSysctls } from './node-sysctls.ts';

it('lets devices that learn routes go on, and no pod announce itself as the router of its node', () => {
  const device = (name: string, forwarding: string) => ({
    [`net/ipv6/conf/${name}/forwarding`]: forwarding,
    [`net/ipv6/conf/${name}/accept_ra`]: '1',
  });
  const sysctl = new FakeSysctl({
    'net/ipv4/ip_forward': '0',
    'net/ipv6/conf/all/forwarding': '0',
    ...device('eth0', '0'),
    // As the kernel makes it on a node that forwards, which an earlier agent saw to.
    ...device('slc00000000001', '1'),
  });
  setNodeSysctls(sysctl, ['eth0', 'slc00000000001'], silentLogger);
  expect(Object.fromEntries(sysctl.values)).toMatchObject({
    'net/ipv4/ip_forward': '1',
    'net/ipv6/conf/all/forwarding': '1',
    'net/ipv6/conf/eth0/accept_ra': '2',
    'net/ipv6/conf/slc00000000001/accept_ra': '1',
  });
});
