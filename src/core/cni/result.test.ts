import { describe, expect, it } from 'vitest';
import { CniError } from './errors.ts';
import { formatResult, parseResult } from './result.ts';
import { CNI_VERSIONS } from './types.ts';
import type { CniResult } from './types.ts';

const RESULT: CniResult = {
  interfaces: [{ name: 'eth0', mac: 'ee:ee:ee:ee:ee:ee', mtu: 1450, sandbox: '/run/netns/x', pciID: '0000:00' }],
  ips: [
    { address: '10.244.0.5/32', gateway: '169.254.1.1', interface: 0 },
    { address: 'fd00::5/128', interface: 0 },
  ],
  routes: [{ dst: '0.0.0.0/0', gw: '169.254.1.1', mtu: 1450, priority: 5 }],
  dns: { nameservers: ['10.96.0.10'] },
};

describe('results', () => {
  it('survive a round trip in the newest version', () => {
    expect(parseResult(formatResult(RESULT, '1.1.0'))).toEqual(RESULT);
  });

  it.each(CNI_VERSIONS)('keep what every version has through %s', (version) => {
    const { interfaces, ips } = parseResult(formatResult(RESULT, version));
    expect(ips).toEqual(RESULT.ips);
    expect(interfaces[0]).toMatchObject({ name: 'eth0', sandbox: '/run/netns/x' });
  });

  it('say the family of each address before version 1.0.0 only', () => {
    const versions = (version: (typeof CNI_VERSIONS)[number]): unknown[] =>
      (formatResult(RESULT, version)['ips'] as { version?: string }[]).map((ip) => ip.version);
    expect(versions('0.4.0')).toEqual(['4', '6']);
    expect(versions('1.0.0')).toEqual([undefined, undefined]);
  });

  it('are read as the upstream plugins print them', () => {
    // Debian's bridge 1.1.1, as printed.
    const printed = JSON.parse(
      '{"cniVersion":"1.0.0","interfaces":[{"name":"cni0","mac":"d2:b8:67:ce:63:c9"},{"name":"eth0","mac":"0e:9f:9e:d9:5a:01","sandbox":"/run/netns/x"}],"ips":[{"interface":1,"address":"10.22.0.2/16","gateway":"10.22.0.1"}],"dns":{}}',
    ) as unknown;
    expect(parseResult(printed)).toMatchObject({ ips: [{ address: '10.22.0.2/16', interface: 1 }] });
  });

  it.each([
    [[], /is not an object/],
    [{ ips: {} }, /ips is not a list/],
    [{ interfaces: [{}] }, /interfaces\[0\] has no name/],
    [{ ips: [{ address: '10.0.0.1' }] }, /ips\[0\]\.address is not an address/],
    [{ routes: [{ dst: 'default' }] }, /routes\[0\]\.dst is not a CIDR/],
  ])('%j is refused', (value, message) => {
    expect(() => parseResult(value)).toThrow(CniError);
    expect(() => parseResult(value)).toThrow(message);
  });
});
