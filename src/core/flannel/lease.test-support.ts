import fc from 'fast-check';
import { networkOf } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { FamilyLease, FlannelLease } from './lease.ts';

const ip = (family: Family): fc.Arbitrary<Ip> =>
  fc.bigInt(1n, family === 4 ? 0xffffffffn : 2n ** 128n - 1n).map((value) => ({ family, value }));
const subnet = (family: Family): fc.Arbitrary<Cidr> =>
  fc
    .tuple(ip(family), fc.integer({ min: 8, max: family === 4 ? 30 : 126 }))
    .map(([address, prefix]) => networkOf({ ip: address, prefix }));
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'));
const vtep = fc.record({ vni: fc.integer({ min: 0, max: 0xffff }), mac });
const publicKey = fc.stringMatching(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/);
const familyLease = (family: Family, backendType: string): fc.Arbitrary<FamilyLease> =>
  fc.record({
    subnet: subnet(family),
    publicIp: ip(family),
    ...(backendType === 'vxlan' ? { vtep } : {}),
    ...(backendType === 'wireguard' ? { publicKey } : {}),
  });

/** Leases of any of these combinations of families, IPv4 first. */
export function leasesOf(combinations: readonly (readonly Family[])[]): fc.Arbitrary<FlannelLease> {
  return fc
    .tuple(fc.constantFrom('vxlan', 'host-gw', 'wireguard'), fc.constantFrom(...combinations))
    .chain(([backendType, families]) =>
      fc
        .tuple(...families.map((family) => familyLease(family, backendType)))
        .map((all) => ({ backendType, families: Object.fromEntries(all.map((each, i) => [families[i]!, each])) })),
    );
}
