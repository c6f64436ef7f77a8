import { expect, it } from 'vitest';
import { intervalSet, parseCidr, rangeOf, subtract } from '../../base/ip/index.ts';
import { externalNames, type AddressSet } from './external-name.ts';

function set(blocks: readonly string[], except: readonly string[] = []): AddressSet {
  const ranges = (texts: readonly string[]) => intervalSet(texts.map((text) => rangeOf(parseCidr(text)!)));
  return { family: parseCidr(blocks[0]!)!.ip.family, ranges: subtract(ranges(blocks), ranges(except)) };
}

it.each([
  [['10.0.0.0/8'], [], '10.0.0.0/8'],
  [['10.0.0.0/8', '192.0.2.0/24'], [], '10.0.0.0/8,192.0.2.0/24'],
  [['0.0.0.0/0'], ['10.0.0.0/8'], '0.0.0.0/0 except 10.0.0.0/8'],
  [['::/0'], ['fd00::/8', '2001:db8::/32'], '::/0 except 2001:db8::/32,fd00::/8'],
  [['10.0.0.0/8', '192.0.2.0/24'], ['10.1.0.0/16'], '(10.0.0.0/8 except 10.1.0.0/16),192.0.2.0/24'],
  [['0.0.0.0/0'], ['10.0.0.0/25'], '0.0.0.0/0 except 10.0.0.0/25'],
])('%j without %j is called %s', (blocks, except, name) => {
  const one = set(blocks, except);
  expect(externalNames([one])(one)).toBe(name);
});

it('names exceptions from exceptions', () => {
  const one = {
    family: 4,
    ranges: intervalSet([...set(['0.0.0.0/0'], ['10.0.0.0/8']).ranges, ...set(['10.1.0.0/16']).ranges]),
  } as const;
  expect(externalNames([one])(one)).toBe('0.0.0.0/0 except (10.0.0.0/8 except 10.1.0.0/16)');
});

it('calls the largest of the unwieldy ones the rest, and numbers the others', () => {
  const odd = Array.from({ length: 20 }, (_, i) => `10.${i}.${i * 7}.${i * 3}/32`);
  const [rest, some] = [set(['0.0.0.0/0'], odd), set(odd)];
  const name = externalNames([some, rest, set(['192.0.2.0/24'])]);
  expect([name(rest), name(some)]).toEqual(['IPv4 elsewhere', 'external/ipv4/1']);
});
