import { describe, expect, it } from 'vitest';
import { formatCidr } from '../../base/ip/index.ts';
import { parseNetConf } from './net-conf.ts';

describe('net-conf.json', () => {
  it.each([
    ['', '"udp"', 'a network without a Backend has this one. Change flannel'],
    ['udp', '"udp"', 'Change flannel\'s nodes to {"Type": "vxlan"}'],
    ['wireguard', '"wireguard"', 'wireguardEnabled in FelixConfiguration encrypts'],
    ['ipsec', '"ipsec"', 'by WireGuard, not by IPsec'],
    ['alloc', '"alloc"', 'Use Sluice without net-conf.json, calico_backend: none'],
    ['extension', '"extension"', 'no commands of an administrator'],
    ['gce', '"gce"', "of flannel's backends, vxlan, host-gw and ipip are spoken"],
  ])('with backend %j is refused, and it is said what to do', (Type, named, advice) => {
    const text = JSON.stringify({ Network: '10.244.0.0/16', ...(Type === '' ? {} : { Backend: { Type } }) });
    const reading = parseNetConf(text);
    if (reading.kind === 'read') throw new Error('it was read');
    expect(reading.problems).toHaveLength(1);
    expect(reading.problems[0]).toContain(
      `Backend.Type is ${named}: of flannel's backends, vxlan, host-gw and ipip are spoken`,
    );
    expect(reading.problems[0]).toContain(advice);
  });

  it('has the defaults of flannel', () => {
    const reading = parseNetConf('{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}');
    expect(reading).toMatchObject({
      kind: 'read',
      netConf: { backend: { type: 'vxlan', vni: 1, port: 8472, directRouting: false, mtu: 0 } },
    });
    if (reading.kind === 'read') expect(reading.netConf.networks[6]).toBeUndefined();
  });

  it('is read with both families and names in any case, as Go reads it', () => {
    const reading = parseNetConf(
      JSON.stringify({
        network: '10.244.1.9/16',
        EnableIPv6: true,
        IPv6Network: 'fd00:10:244::/56',
        EnableNFTables: false,
        backend: { Type: 'vxlan', vni: 4096, Port: 4789, DirectRouting: true, MTU: 1400 },
      }),
    );
    if (reading.kind === 'bad') throw new Error(reading.problems.join());
    const { networks, backend } = reading.netConf;
    expect([networks[4], networks[6]].map((cidr) => formatCidr(cidr!))).toEqual(['10.244.0.0/16', 'fd00:10:244::/56']);
    expect(backend).toEqual({ type: 'vxlan', vni: 4096, port: 4789, directRouting: true, mtu: 1400 });
  });

  it.each([
    ['not JSON', ['it is not a JSON object']],
    ['{"Backend": {"Type": "host-gw"}}', ['Network is missing, must be an IPv4 CIDR such as 10.244.0.0/16']],
    [
      '{"EnableIPv4": false, "EnableIPv6": "yes", "Backend": {"Type": "host-gw"}}',
      ['EnableIPv6 is "yes", must be true or false'],
    ],
    [
      '{"EnableIPv4": false, "Backend": {"Type": "host-gw"}}',
      ['EnableIPv4 and EnableIPv6 are both false: pods would have no address'],
    ],
    [
      '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 16777216, "Port": -1, "GBP": true}}',
      [
        'Backend.GBP is true: group policies of VXLAN are not spoken',
        'Backend.VNI is 16777216, must be a whole number from 1 to 16777215',
        'Backend.Port is -1, must be a whole number from 0 to 65535',
      ],
    ],
    [
      '{"Network": "10.244.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00::/56", "Backend": {"Type": "ipip"}}',
      ['EnableIPv6 is true: IPIP carries IPv4 alone, and so does flannel with it'],
    ],
    ['{"Network": "10.244.0.0/16", "Backend": []}', ['Backend must be an object such as {"Type": "vxlan"}']],
  ])('%s: says what is wrong and where', (text, problems) => {
    expect(parseNetConf(text)).toEqual({ kind: 'bad', problems });
  });
});
