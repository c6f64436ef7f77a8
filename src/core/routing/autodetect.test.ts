import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { detectAddress, parseAddressMethod } from './autodetect.ts';
import type { AddressFacts } from './autodetect.ts';

const link = (name: string, kind?: string, more: { up?: boolean; enslaved?: boolean } = {}) => ({
  name,
  kind,
  up: true,
  enslaved: false,
  ...more,
});

/** The bad ones come first, so that taking the first of all would be wrong. */
const FACTS: AddressFacts = {
  links: [
    link('lo'),
    link('docker0', 'bridge'),
    link('br0', 'bridge'),
    link('odd0', 'vxlan'),
    link('vxlan.sluice', 'vxlan'),
    link('tunl0', 'ipip'),
    link('wg0', 'wireguard'),
    link('slc0123', 'veth'),
    link('down0', undefined, { up: false }),
    link('port0', undefined, { enslaved: true }),
    link('eth0', 'veth'),
    link('eth1'),
    link('bond0', 'bond'),
  ],
  addresses: [
    ['lo', '10.9.9.9/32'],
    ['docker0', '172.17.0.1/16'],
    ['br0', '10.8.0.1/24'],
    ['odd0', '10.7.0.1/24'],
    ['vxlan.sluice', '10.244.0.1/32'],
    ['tunl0', '10.244.0.2/32'],
    ['wg0', '10.6.0.1/24'],
    ['slc0123', '10.5.0.1/32'],
    ['down0', '10.4.0.1/24'],
    ['port0', '10.3.0.1/24'],
    ['eth0', '192.0.2.11/24'],
    ['eth0', '2001:db8::11/64'],
    ['eth1', '198.51.100.11/24'],
    ['eth1', '198.51.100.12/24'],
    ['bond0', '203.0.113.11/25'],
  ].map(([name, text]) => ({ link: name!, address: parseCidr(text!)! })),
  internalIps: [parseIp('198.51.100.12')!],
  routeTo: ({ family, value }) => {
    if (family === 6) return { link: 'eth0' };
    const byFirst: Record<string, string> = { 10: 'br0', 203: 'bond0', 198: 'eth1' };
    const name = byFirst[String(value >> 24n)];
    return name === undefined ? undefined : { link: name, source: parseIp('198.51.100.12')! };
  },
};

const detect = (text: string, family: Family = 4): string => {
  const method = parseAddressMethod(text);
  if (typeof method === 'string') return method;
  const found = detectAddress(method, family, FACTS);
  return typeof found === 'string' ? found : formatCidr(found);
};

describe('the address of a node', () => {
  it.each([
    ['first-found', '192.0.2.11/24'],
    ['skip-interface=eth0', '198.51.100.11/24'],
    ['skip-interface=eth.*,bond.*', 'no interface is left with an IPv4 address: eth.*,bond.* skips all'],
    ['interface=bond.*', '203.0.113.11/25'],
    ['interface=nope,eth1', '198.51.100.11/24'],
    // A pattern matches the whole name.
    ['interface=eth', 'no interface eth has an IPv4 address that nodes could use'],
    ['cidr=203.0.113.0/24,192.0.2.0/24', '192.0.2.11/24'],
    ['can-reach=203.0.113.1', '203.0.113.11/25'],
    ['can-reach=198.51.100.1', '198.51.100.12/24'],
    ['can-reach=8.8.8.8', 'there is no route to 8.8.8.8'],
    ['kubernetes-internal-ip', '198.51.100.12/24'],
  ])('by %s is %s', (method, expected) => {
    expect(detect(method)).toBe(expected);
  });

  it('is of the family that is asked for', () => {
    expect(detect('first-found', 6)).toBe('2001:db8::11/64');
    expect(detect('can-reach=2001:db8::1', 6)).toBe('2001:db8::11/64');
    expect(detect('kubernetes-internal-ip', 6)).toBe('the Node object has no IPv6 InternalIP');
    expect(detect('can-reach=192.0.2.1', 6)).toBe('can-reach=192.0.2.1 is no IPv6 address');
  });

  it.each(['cidr=10.0.0.0/8', 'cidr=172.17.0.0/16', 'can-reach=10.8.0.9', 'interface=(docker|br|wg|tunl|odd|slc).*'])(
    'is never that of a bridge or tunnel by %s',
    (method) => {
      expect(detect(method)).toMatch(/^(no interface|the way to)/);
    },
  );

  it('is that of a bridge for who names it exactly', () => {
    expect(detect('interface=br0')).toBe('10.8.0.1/24');
  });

  it('is the configured one, if the node has it', () => {
    const found = (text: string) => detectAddress({ kind: 'address', address: parseIp(text)! }, 4, FACTS);
    expect(found('10.8.0.1')).toEqual(parseCidr('10.8.0.1/24'));
    expect(found('192.0.2.99')).toBe('no interface has the address 192.0.2.99');
  });

  it.each([
    ['first', /'first' is none of first-found/],
    ['first-found=eth0', /takes no value/],
    ['can-reach=example.org', /needs an IP address, not 'example.org'/],
    ['interface=', /not ''/],
    ['interface=eth0,(', /not '\('/],
    ['interface', /needs regular expressions/],
    ['cidr=10.0.0.0/8,x', /not 'x'/],
    ['cidr', /needs CIDRs/],
  ])('cannot be asked for by %s', (method, message) => {
    expect(detect(method)).toMatch(message);
  });
});
