import { describe, expect, it } from 'vitest';
import { formatCidr } from '../../base/ip/index.ts';
import { agentOptions } from './options.ts';

const node = (netConf: string, more = {}) =>
  agentOptions({ NODE_NAME: 'n1', SLUICE_FLANNEL_NET_CONF: netConf, SLUICE_IPV4_POOL_CIDR: '10.1.0.0/16', ...more });

describe('the options of a node in a flannel network', () => {
  it('follow from net-conf.json, whatever else is configured', () => {
    const text = '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "DirectRouting": true, "MTU": 1400}}';
    const options = node(text, {
      SLUICE_BACKEND: 'ipip',
      FELIX_VXLANVNI: '4096',
      SLUICE_IPV4_POOL_NAT_OUTGOING: 'false',
    });
    expect(options).toMatchObject({ backend: 'flannel-vxlan-direct', vxlan: { vni: 1, port: 8472 }, mtu: 1350 });
    const pools = options.defaultPools!.map(({ cidr, vxlanMode, ipipMode, natOutgoing }) => [
      formatCidr(cidr),
      vxlanMode,
      ipipMode,
      natOutgoing,
    ]);
    expect(pools).toEqual([['10.244.0.0/16', 'Never', 'Never', false]]);
  });

  it('are as ever without one', () => {
    expect(node('')).not.toHaveProperty('flannel');
    expect(() => agentOptions({ NODE_NAME: 'n1', SLUICE_BACKEND: 'flannel-vxlan' })).toThrow(/must be one of vxlan/);
  });

  it('are refused with what is wrong in it', () => {
    expect(() => node('{"Backend": {"Type": "gce"}}')).toThrow(
      'SLUICE_FLANNEL_NET_CONF (net-conf.json): Network is missing, must be an IPv4 CIDR such as 10.244.0.0/16; ' +
        'SLUICE_FLANNEL_NET_CONF (net-conf.json): Backend.Type is "gce": of flannel\'s backends, vxlan, host-gw, ipip and wireguard are spoken',
    );
  });
});
