import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SluiceError } from '../../base/errors.ts';
import type { WireguardKey } from './port.ts';

/** Bytes of a Curve25519 key (RFC 7748 §5). */
const KEY_BYTES = 32;
/** What precedes the 32 bytes of an X25519 private key in DER (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20]);

/** A new random private key. */
export function newPrivateKey(): WireguardKey {
  const { privateKey } = generateKeyPairSync('x25519');
  const bytes = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES);
  // What every user of the curve does to a scalar before use (RFC 7748 §5); the kernel reports the key like this.
  bytes[0]! &= 248;
  bytes[31] = (bytes[31]! & 127) | 64;
  return bytes.toString('base64');
}

/** The public half of a private key. Throws `invalid` for what is no key. */
export function publicKeyOf(privateKey: WireguardKey): WireguardKey {
  const der = Buffer.concat([PKCS8_PREFIX, keyBytes(privateKey)]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES).toString('base64');
}

/** The bytes of a key. Throws `invalid` for what is no key; the message does not repeat it, as it may be a secret. */
export function keyBytes(key: WireguardKey): Uint8Array {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== key)
    throw new SluiceError('invalid', 'not a WireGuard key: 32 bytes in base64 are expected');
  return bytes;
}
