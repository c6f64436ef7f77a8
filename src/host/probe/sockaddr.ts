import { ByteReader, ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';

/** Bytes of `struct sockaddr_in6`, the larger of the two (linux/in6.h). */
const SOCKADDR_BYTES = 28;

/** `struct sockaddr_in` or `sockaddr_in6` (linux/in.h, linux/in6.h): family in host order, port and address in network order. */
export function encodeSockaddr(ip: Ip, port: number): Uint8Array {
  const writer = new ByteWriter(SOCKADDR_BYTES);
  writer.u16(ip.family === 4 ? AF_INET : AF_INET6);
  writer.u16be(port);
  if (ip.family === 6) writer.u32(0);
  writer.raw(ipToBytes(ip));
  writer.zeros(ip.family === 4 ? 8 : 4);
  return writer.view();
}

/** Inverse of {@link encodeSockaddr}; undefined for other families. */
export function decodeSockaddr(bytes: Uint8Array): { readonly ip: Ip; readonly port: number } | undefined {
  const reader = new ByteReader(bytes);
  const family = reader.u16();
  const port = reader.u16be();
  if (family === AF_INET) return { ip: ipFromBytes(reader.raw(4)), port };
  if (family !== AF_INET6) return undefined;
  reader.skip(4);
  return { ip: ipFromBytes(reader.raw(16)), port };
}
