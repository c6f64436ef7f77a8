import { Attributes, ByteReader, attribute, attributeU32 } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { bitsOf, ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import type { Resolver } from './link-codec.ts';
import type { Address, AddressEntry } from './port.ts';

/** IFA_* (linux/if_addr.h). */
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
/** Usable at once: no duplicate address detection. */
const IFA_F_NODAD = 2;

/** RT_SCOPE_* (linux/rtnetlink.h). */
export const SCOPES = { global: 0, link: 253, host: 254 } as const;

/** The kernel's number of an address family; undefined asks for both. */
export function familyNumber(family: Family | undefined): number {
  return family === undefined ? 0 : family === 4 ? AF_INET : AF_INET6;
}

/** The name of a scope number; scopes that Sluice does not use count as global. */
export function scopeName(scope: number): keyof typeof SCOPES {
  return scope === SCOPES.link ? 'link' : scope === SCOPES.host ? 'host' : 'global';
}

/** Payload of RTM_NEWADDR and RTM_DELADDR: `struct ifaddrmsg`, then attributes (linux/if_addr.h). */
export function encodeAddress(writer: ByteWriter, entry: Address, resolver: Resolver): void {
  const { ip, prefix } = entry.address;
  writer.u8(familyNumber(ip.family));
  writer.u8(prefix);
  writer.u8(0);
  writer.u8(SCOPES[entry.scope ?? 'global']);
  writer.u32(resolver.indexOf(entry.link));
  const bytes = ipToBytes(ip);
  attribute(writer, IFA_LOCAL, bytes);
  attribute(writer, IFA_ADDRESS, bytes);
  if (ip.family === 6) return attributeU32(writer, IFA_FLAGS, IFA_F_NODAD);
  const hostBits = BigInt(bitsOf(4) - prefix);
  if (hostBits > 1n)
    attribute(writer, IFA_BROADCAST, ipToBytes({ family: 4, value: ip.value | ((1n << hostBits) - 1n) }));
}

/** Payload of RTM_GETADDR; with strict checking the kernel filters by link itself. */
export function encodeAddressDump(writer: ByteWriter, family: Family | undefined, index: number): void {
  writer.u32(familyNumber(family));
  writer.u32(index);
}

/** The address that an RTM_NEWADDR or RTM_DELADDR describes; undefined for families other than IP. */
export function decodeAddress(payload: Uint8Array): AddressEntry | undefined {
  const reader = new ByteReader(payload);
  const family = reader.u8();
  const prefix = reader.u8();
  reader.skip(1);
  const scope = reader.u8();
  const link = reader.u32();
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = new Attributes(payload.subarray(8));
  // On a point-to-point link IFA_ADDRESS is the far end.
  const bytes = attributes.bytes(IFA_LOCAL) ?? attributes.bytes(IFA_ADDRESS);
  if (bytes === undefined) return undefined;
  return { link, address: { ip: ipFromBytes(bytes), prefix }, scope: scopeName(scope) };
}
