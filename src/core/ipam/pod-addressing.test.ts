import { describe, expect, it } from 'vitest';
import { formatIp } from '../../base/ip/index.ts';
import { podAddressing } from './pod-addressing.ts';
import type { AddressingSources } from './pod-addressing.ts';

type Annotations = Readonly<Record<string, string>>;

function read(pod: Annotations, namespace: Annotations = {}, more: Partial<AddressingSources> = {}): unknown {
  const prefixed = (annotations: Annotations): Annotations =>
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`cni.projectcalico.org/${key}`, value]));
  const sources = { pod: prefixed(pod), namespace: prefixed(namespace), config: {}, families: [4, 6] as const };
  const { addresses, ...rest } = podAddressing({ ...sources, ...more });
  return { ...rest, ...(addresses === undefined ? {} : { addresses: addresses.map(formatIp) }) };
}

describe('what a pod asks of address management', () => {
  it('is nothing unless it is said', () => {
    expect(read({})).toEqual({ families: [4, 6], unmanaged: false });
    expect(read({ ipv4pools: '', hwAddr: '', ipAddrs: '' })).toEqual({ families: [4, 6], unmanaged: false });
  });

  it('comes from the pod before the namespace before the network configuration, for each family alone', () => {
    const config = { ipam: { ipv4_pools: ['conf4'], ipv6_pools: ['conf6'] } };
    expect(read({}, {}, { config })).toMatchObject({ pools: { 4: ['conf4'], 6: ['conf6'] } });
    expect(read({}, { ipv4pools: '["ns"]' }, { config })).toMatchObject({ pools: { 4: ['ns'], 6: ['conf6'] } });
    expect(read({ ipv4pools: '["p", "10.0.0.0/16"]' }, { ipv4pools: '["ns"]', ipv6pools: '[]' }, { config })).toEqual({
      families: [4, 6],
      pools: { 4: ['p', '10.0.0.0/16'] },
      unmanaged: false,
    });
  });

  it('may be a family in which pods get no address unless they ask', () => {
    const families = [4] as const;
    expect(read({ ipv6pools: '["six"]' }, {}, { families })).toMatchObject({ families: [4, 6], pools: { 6: ['six'] } });
    expect(read({ ipv6pools: '["six"]', ipFamilies: '["IPv4"]' }, {}, { families })).toMatchObject({ families: [4] });
  });

  it('may be fewer families', () => {
    expect(read({}, { ipFamilies: '["IPv6"]' })).toMatchObject({ families: [6] });
    expect(read({ ipFamilies: '["IPv6","IPv4"]' }, { ipFamilies: '["IPv6"]' })).toMatchObject({ families: [4, 6] });
    expect(read({}, {}, { config: { ipam: { assign_ipv6: 'false' } } })).toMatchObject({ families: [4] });
  });

  it('may be addresses, which are then all that it gets', () => {
    expect(read({ ipAddrs: '["fd00::5", "10.0.0.5"]', ipv4pools: '["a"]' })).toEqual({
      families: [4, 6],
      addresses: ['10.0.0.5', 'fd00::5'],
      unmanaged: false,
    });
    expect(read({ ipAddrs: '["10.0.0.5"]' })).toMatchObject({ families: [4] });
    const config = { feature_control: { ip_addrs_no_ipam: true } };
    expect(read({ ipAddrsNoIpam: '["192.0.2.5"]' }, {}, { config })).toEqual({
      families: [4],
      addresses: ['192.0.2.5'],
      unmanaged: true,
    });
  });

  it('may be a hardware address', () => {
    expect(read({ hwAddr: '1C-0c-0a-c0-ff-ee' })).toMatchObject({ mac: '1c:0c:0a:c0:ff:ee' });
  });

  it.each<[Annotations, Annotations, RegExp]>([
    [
      { ipv4pools: 'pool' },
      {},
      /^pod annotation cni\.projectcalico\.org\/ipv4pools: 'pool' is not a JSON list of texts/,
    ],
    [{}, { ipv6pools: '[6]' }, /^namespace annotation cni\.projectcalico\.org\/ipv6pools: '\[6\]' is not a JSON list/],
    [{ ipAddrs: '["10.0.0.300"]' }, {}, /ipAddrs: "10\.0\.0\.300" is not an address/],
    [{ ipAddrs: '[]' }, {}, /ipAddrs: names no address/],
    [{ ipAddrs: '["10.0.0.1","10.0.0.2"]' }, {}, /one IPv4 address, not 10\.0\.0\.1 and 10\.0\.0\.2/],
    [{ ipAddrs: '["10.0.0.1"]', ipAddrsNoIpam: '["10.0.0.1"]' }, {}, /only one of them can be used/],
    [{ ipAddrsNoIpam: '["10.0.0.1"]' }, {}, /the feature is not enabled; feature_control\.ip_addrs_no_ipam/],
    [{ floatingIPs: '["10.0.0.1"]' }, {}, /floatingIPs: floating addresses are not supported/],
    [{ hwAddr: '1c:0c:0a:c0:ff' }, {}, /hwAddr: "1c:0c:0a:c0:ff" is not a hardware address/],
    [{ hwAddr: '01:0c:0a:c0:ff:ee' }, {}, /cannot be the address of one interface/],
    [{ ipFamilies: '["IPv5"]' }, {}, /ipFamilies: "IPv5" is neither/],
    [{ ipFamilies: '[]' }, {}, /ipFamilies: must name at least one/],
  ])('is refused where it makes no sense: %j %j', (pod, namespace, message) => {
    expect(() => read(pod, namespace)).toThrow(message);
  });
});
