import { expect, it } from 'vitest';
import { newPrivateKey, publicKeyOf } from './key.ts';

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

it.each([
  [
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  ],
  [
    '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  ],
])('finds the public key of the secret %s (RFC 7748 §6.1)', (secret, shared) => {
  expect(publicKeyOf(base64(secret))).toBe(base64(shared));
});

it('makes keys that are different and already clamped', () => {
  const keys = Array.from({ length: 20 }, newPrivateKey);
  expect(new Set(keys).size).toBe(20);
  for (const key of keys) {
    const bytes = Buffer.from(key, 'base64');
    expect([bytes[0]! & 7, bytes[31]! & 0xc0]).toEqual([0, 0x40]);
  }
});
