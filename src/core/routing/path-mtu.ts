import type { Family } from '../../base/ip/index.ts';
import type { PeerMtu } from './types.ts';

/** What became of one packet of a size: it arrived, or it did not and perhaps somebody said which size would have. */
export type PathAnswer = { readonly passed: true } | { readonly passed: false; readonly limit?: number };

/** What a search begins with, bytes of IP packets. */
export interface PathSearch {
  /** What the route says: nothing larger is tried. */
  readonly ceiling: number;
  /** What every path must carry: {@link LEAST_MTU}. */
  readonly floor: number;
  /** What was found the last time. */
  readonly known?: number | undefined;
}

/** What IPv4 hosts accept in any case (RFC 791 §3.1), and what IPv6 asks of every link (RFC 8200 §5). */
export const LEAST_MTU: Readonly<Record<Family, number>> = { 4: 576, 6: 1280 };

/**
 * Where networks usually end: jumbo frames, clouds' (AWS 9001, GCP 8896 and 1460, tunnels in jumbo 8950), Ethernet, PPPoE
 * (RFC 2516: 8 less), GRE (24 less), VXLAN (50 or 70 less), WireGuard (60 or 80 less), VPNs, IPv6's least.
 */
const USUAL = [9001, 9000, 8950, 8896, 1500, 1492, 1480, 1476, 1460, 1450, 1440, 1430, 1420, 1400, 1380, 1350, 1280];

/**
 * Finds the largest packet that a path carries whole, by trying: yields the size of the next packet, is resumed with what
 * became of it, and returns the size; undefined when the peer does not answer, so that nothing is known. One packet is
 * enough where the route is right, three where what is `known` still holds.
 */
export function* findPathMtu({ ceiling, floor, known }: PathSearch): Generator<number, number | undefined, PathAnswer> {
  const whole = yield ceiling;
  if (whole.passed || ceiling <= floor) return whole.passed ? ceiling : undefined;
  const limits = [whole.limit];
  let low = 0;
  let high = ceiling;
  if (known !== undefined && known > floor && known < ceiling) {
    if (!(yield known).passed) high = known;
    else if (known + 1 === ceiling || !(yield known + 1).passed) return known;
    else low = known + 1;
  }
  if (low === 0) {
    if (!(yield floor).passed) return undefined;
    low = floor;
  }
  while (high - low > 1) {
    const size = nextSize(low, high, limits.pop());
    const answer = yield size;
    if (answer.passed) low = size;
    else {
      high = size;
      limits.push(answer.limit);
    }
  }
  // Chance may have lost what was tried: a path is narrower only if it still is, and the peer still answers.
  if ((yield ceiling).passed) return ceiling;
  return (yield low).passed ? low : undefined;
}

/** A size between the two: what somebody said, one of the usual ones, the next above one of these, the middle. */
function nextSize(low: number, high: number, limit: number | undefined): number {
  if (limit !== undefined && limit > low && limit < high) return limit;
  const usual = USUAL.filter((size) => size > low && size < high);
  if (usual.length > 0) return usual[usual.length >> 1]!;
  return USUAL.includes(low) ? low + 1 : (low + high) >> 1;
}

/** What fits whichever way packets go to a peer: by the address of one family, or of any where that is not known. */
export function mtuTo(mtus: PeerMtu | undefined, usual: number, outer?: Family): number {
  const known = outer === undefined ? undefined : mtus?.[outer];
  return known ?? Math.min(...Object.values(mtus ?? { 4: usual }));
}
