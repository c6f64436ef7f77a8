import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { leasesOf } from './lease.test-support.ts';
import { leaseKey, parseLeaseKey, parseStoredLease, renderStoredLease } from './stored-lease.ts';

describe('a lease in etcd', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(leasesOf([[4], [4, 6]]), (lease) => {
        const key = leaseKey(Object.values(lease.families).map(({ subnet }) => subnet));
        expect(parseStoredLease(key, renderStoredLease(lease))).toEqual({ lease, problems: [] });
      }),
    );
  });

  it('is written as flannel writes it', () => {
    const subnet = parseCidr('10.5.52.0/24')!;
    const subnet6 = parseCidr('fd00:5:52::/64')!;
    const vtep = { vni: 1, mac: 'c6:d2:32:6f:8f:44' };
    const v4 = { subnet, publicIp: parseIp('192.168.64.3')!, vtep };
    const v6 = { subnet: subnet6, publicIp: parseIp('fd00::3')!, vtep };
    expect(leaseKey([subnet])).toBe('10.5.52.0-24');
    expect(renderStoredLease({ backendType: 'vxlan', families: { 4: v4 } })).toBe(
      '{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}}',
    );
    expect(leaseKey([subnet, subnet6])).toBe('10.5.52.0-24&fd00:5:52::-64');
    expect(renderStoredLease({ backendType: 'vxlan', families: { 4: v4, 6: v6 } })).toBe(
      '{"PublicIP":"192.168.64.3","PublicIPv6":"fd00::3","BackendType":"vxlan",' +
        '"BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"},"BackendV6Data":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}}',
    );
    const { vtep: _, ...plain } = v4;
    expect(renderStoredLease({ backendType: 'host-gw', families: { 4: plain } })).toBe(
      '{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"host-gw"}',
    );
  });

  it.each(['10.5.52.0', 'fd00::-64', '10.5.52.0-33', '10.5.52.0-24&10.5.53.0-24', '', 'config', '10.5.52.0-24/x'])(
    'is none at key %j',
    (key) => {
      expect(parseLeaseKey(key)).toBeUndefined();
      expect(parseStoredLease(key, '{}')).toEqual({ lease: undefined, problems: [`'${key}' names no subnet`] });
    },
  );

  it.each([
    ['not JSON', 'it is not a JSON object'],
    ['{"PublicIP":"fd00::1","BackendType":"host-gw"}', 'it has no PublicIP'],
    ['{"PublicIP":"192.0.2.1","BackendType":"vxlan"}', 'it has no BackendData with a VtepMAC'],
    ['{"PublicIP":"192.0.2.1","BackendType":5}', 'its BackendType is not a text'],
  ])('%j is reported', (value, problem) => {
    expect(parseStoredLease('10.5.52.0-24', value)).toEqual({ lease: undefined, problems: [problem] });
  });

  it('keeps its good family when the other is bad', () => {
    const { lease, problems } = parseStoredLease(
      '10.5.52.0-24&fd00:5::-64',
      '{"PublicIP":"192.0.2.1","BackendType":"host-gw"}',
    );
    expect(formatCidr(lease!.families[4]!.subnet)).toBe('10.5.52.0/24');
    expect(lease!.families[6]).toBeUndefined();
    expect(problems).toEqual(['it has no PublicIPv6']);
  });
});
