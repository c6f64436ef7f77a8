import { describe, expect, it } from 'vitest';
import { formatCidr } from '../../base/ip/index.ts';
import { parseNetConf } from './net-conf.ts';

describe('net-conf.json', () => {
  it.each([
    ['', '"udp"', 'a network without a Backend has this one. Change flannel'],
    ['udp', '"udp"', 'Change flannel\'s nodes to {"Type": "vxlan"}'],
    ['ipsec', '"ipsec"', 'Change flannel\'s nodes to {"Type": "wireguard"}'],
    ['alloc', '"alloc"', 'Use Sluice without net-conf.json, calico_backend: none'],
    ['extension', '"extension"', 'no commands of an administrator'],
    ['gce', '"gce"', "of flannel's backends, vxlan, host-gw, ipip and wireguard are spoken"],
  ])('with backend %j is refused, and it is said what to do', (Type, named, advice) => {
    const text = JSON.stringify({ Network: '10.244.0.0/16', ...(Type === '' ? {} : { Backend: { Type } }) });
    const reading = parseNetConf(text);
    if (reading.kind === 'read') throw new Error('it was read');
    expect(reading.problems).toHaveLength(1);
    expect(reading.problems[0]).toContain(
      `Backend.Type is ${named}: of flannel's backends, vxlan, host-gw, ipip and wireguard are spoken`,
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

  it('has the defaults and the fields of flannel for WireGuard', () => {
    const networks = { Network: '10.244.0.0/16', EnableIPv6: true, IPv6Network: 'fd00:10:244::/56' };
    const backendOf = (more: object) => {
      const reading = parseNetConf(JSON.stringify({ ...networks, Backend: { Type: 'wireguard', ...more } }));
      if (reading.kind === 'bad') throw new Error(reading.problems.join());
      return reading.netConf.backend;
    };
    const usual = { type: 'wireguard', ports: { 4: 51820, 6: 51821 }, mode: 'separate', keepaliveSeconds: 0, mtu: 0 };
    expect(backendOf({})).toEqual(usual);
    const PSK = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=';
    const said = { ListenPort: 1, ListenPortV6: 2, PSK, PersistentKeepaliveInterval: 25, Mode: 'auto', MTU: 1400 };
    expect(backendOf(said)).toEqual({
      type: 'wireguard',
      ports: { 4: 1, 6: 2 },
      mode: 'auto',
      keepaliveSeconds: 25,
      presharedKey: PSK,
      mtu: 1400,
    });
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
    [
      '{"Network": "10.244.0.0/16", "Backend": {"Type": "wireguard", "Mode": "both", "PSK": "secret", "ListenPort": 0}}',
      [
        'Backend.Mode is "both", must be one of separate, auto, ipv4, ipv6',
        'Backend.PSK must be 32 bytes in base64',
        'Backend.ListenPort is 0, must be a whole number from 1 to 65535',
      ],
    ],
    [
      '{"Network": "10.244.0.0/16", "Backend": {"Type": "wireguard", "Mode": "ipv6"}}',
      ['Backend.Mode is "ipv6", which needs EnableIPv6'],
    ],
    ['{"Network": "10.244.0.0/16", "Backend": []}', ['Backend must be an object such as {"Type": "vxlan"}']],
  ])('%s: says what is wrong and where', (text, problems) => {
    expect(parseNetConf(text)).toEqual({ kind: 'bad', problems });
  });
});
