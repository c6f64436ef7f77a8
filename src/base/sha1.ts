/**
 * SHA-1 (FIPS 180-4 §6.1) of ASCII text as 40 hex digits, for names that others derive by it; never for safety. Code
 * units past ASCII are taken by their low byte.
 */
export function sha1(text: string): string {
  const words = padded(text);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  for (let block = 0; block < words.length; block += 16) compress(state, schedule, words.subarray(block, block + 16));
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The message with its padding (§5.1.1) as big-endian words. */
function padded(text: string): Int32Array {
  const words = new Int32Array(Math.ceil((text.length + 9) / 64) * 16);
  for (let i = 0; i < text.length; i++) words[i >> 2]! |= (text.charCodeAt(i) & 0xff) << (24 - 8 * (i & 3));
  words[text.length >> 2]! |= 0x80 << (24 - 8 * (text.length & 3));
  words[words.length - 1] = text.length * 8;
  return words;
}

/** One block of §6.1.2. */
function compress(state: Int32Array, w: Int32Array, block: Int32Array): void {
  w.set(block);
  for (let t = 16; t < 80; t++) w[t] = rotl(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let t = 0; t < 80; t++) {
    const next = (rotl(a, 5) + choose(t, b, c, d) + e + CONSTANTS[Math.trunc(t / 20)]! + w[t]!) | 0;
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = next;
  }
  for (const [i, value] of [a, b, c, d, e].entries()) state[i]! += value;
}

/** Of each twenty rounds (§4.2.1). */
const CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

function choose(t: number, x: number, y: number, z: number): number {
  if (t < 20) return (x & y) ^ (~x & z);
  return t >= 40 && t < 60 ? (x & y) ^ (x & z) ^ (y & z) : x ^ y ^ z;
}

function rotl(x: number, n: number): number {
  return (x << n) | (x >>> (32 - n));
}
