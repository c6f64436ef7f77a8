import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { decodeQuestion, encodeAnnouncement, encodeAnswer } from './frame.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');
const plain = (text: string): string => text.replaceAll(/\s/g, '');

const OWN = bytes('02 00 00 00 00 11');
const REQUEST = bytes(`
  ffffffffffff 020000000022 0806
  0001 0800 06 04 0001 020000000022 c0000202 000000000000 c0000264`);
/** As Linux sends them: the source fe80::22, its hardware address as an option. */
const SOLICITATION = bytes(`
  3333ff000064 020000000022 86dd
  60000000 0020 3a ff fe800000000000000000000000000022 ff0200000000000000000001ff000064
  8700 0000 00000000 20010db8000000000000000000000064 0101020000000022`);

describe('a question', () => {
  it('is an ARP request, answered to who asked', () => {
    const question = decodeQuestion(REQUEST)!;
    expect(formatIp(question.target)).toBe('192.0.2.100');
    expect(hex(encodeAnswer(OWN, question))).toBe(
      plain(`020000000022 020000000011 0806
        0001 0800 06 04 0002 020000000011 c0000264 020000000022 c0000202`),
    );
  });

  it('is a neighbour solicitation, answered with a valid checksum to who asked', () => {
    const question = decodeQuestion(SOLICITATION)!;
    expect(formatIp(question.target)).toBe('2001:db8::64');
    const answer = encodeAnswer(OWN, question);
    expect(hex(answer.subarray(0, 54))).toBe(
      plain(`020000000022 020000000011 86dd
        60000000 0020 3a ff 20010db8000000000000000000000064 fe800000000000000000000000000022`),
    );
    expect(hex(answer.subarray(58))).toBe(plain('60000000 20010db8000000000000000000000064 0201020000000011'));
    expect(sumOf(answer)).toBe(0xffff);
  });

  it('of who has no address yet is answered to all, without a word of having been asked', () => {
    const probe = Uint8Array.from(SOLICITATION).fill(0, 22, 38);
    const answer = encodeAnswer(OWN, decodeQuestion(probe)!);
    expect(hex(answer.subarray(0, 6))).toBe('333300000001');
    expect(hex(answer.subarray(38, 54))).toBe('ff020000000000000000000000000001');
    expect(hex(answer.subarray(58, 62))).toBe('20000000');
    expect(sumOf(answer)).toBe(0xffff);
  });

  const changed = (frame: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(frame);
    copy[at] = value;
    return copy;
  };

  it.each([
    ['an ARP reply', changed(REQUEST, 21, 2)],
    ['ARP of another protocol', changed(REQUEST, 16, 9)],
    ['an advertisement', changed(SOLICITATION, 54, 136)],
    ['a solicitation that came by a router', changed(SOLICITATION, 21, 254)],
    ['another Ethernet type', changed(REQUEST, 12, 9)],
    ['half a request', REQUEST.subarray(0, 30)],
    ['half a solicitation', SOLICITATION.subarray(0, 60)],
    ['nothing', new Uint8Array()],
  ])('is not %s', (_, frame) => {
    expect(decodeQuestion(frame)).toBeUndefined();
  });
});

it('announces an IPv4 address by a request and a reply, an IPv6 address by one advertisement to all', () => {
  const arp = encodeAnnouncement(OWN, parseIp('192.0.2.100')!).map(hex);
  expect(arp).toEqual([
    plain('ffffffffffff 020000000011 0806 0001 0800 06 04 0001 020000000011 c0000264 000000000000 c0000264'),
    plain('ffffffffffff 020000000011 0806 0001 0800 06 04 0002 020000000011 c0000264 ffffffffffff c0000264'),
  ]);
  const [advertisement, ...others] = encodeAnnouncement(OWN, parseIp('2001:db8::64')!);
  expect(others).toEqual([]);
  expect(hex(advertisement!.subarray(38, 54))).toBe('ff020000000000000000000000000001');
  expect(hex(advertisement!.subarray(58, 62))).toBe('20000000');
  expect(sumOf(advertisement!)).toBe(0xffff);
});

/** The one's complement sum of an ICMPv6 message with its checksum and pseudo-header: all ones where it is right. */
function sumOf(frame: Uint8Array): number {
  let sum = frame.length - 54 + 58;
  for (let i = 22; i < frame.length; i += 2) sum += (frame[i]! << 8) | frame[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
