import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { EMPTY_RULESET, applyTransaction, diff, replaceAll } from '../../core/nft/diff.ts';
import { addressKey, ifnameKey } from '../../core/nft/key.ts';
import type { NftOp, Rule, SetSpec, Transaction } from '../../core/nft/model.ts';
import { wireGuard } from '../../core/nft/wire-guard.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { SAMPLE, SETS, nftablesContract } from './contract.ts';
import { openNftables } from './kernel.ts';

const allowed = enterPrivateNetwork() !== undefined;

/** What nft sees in the namespace of this process. */
const nft = (...args: string[]): string => execFileSync('nft', args, { encoding: 'utf8' });

describe.skipIf(!allowed)('the kernel', () => {
  nftablesContract('kernel nftables', () => {
    const opened = openNftables();
    opened.apply([{ op: 'destroy-table' }]);
    return opened;
  });

  it.each<[string, Rule]>([
    ['ct mark & 0x00000001 != 0x00000000', [{ kind: 'compare', field: 'ct mark', mask: 1, op: '!=', value: 0 }]],
    ['ct state established,related', [{ kind: 'compare', field: 'ct state', mask: 6, op: '!=', value: 0 }]],
    ['ct direction original', [{ kind: 'compare', field: 'ct direction', op: '==', value: 0 }]],
    ['iifname "slc*"', [{ kind: 'interface', field: 'meta iifname', op: '==', name: 'slc*' }]],
    ['oifname != "eth0"', [{ kind: 'interface', field: 'meta oifname', op: '!=', name: 'eth0' }]],
    ['fib daddr type local', [{ kind: 'compare', field: 'fib daddr type', op: '==', value: 2 }]],
    ['meta mark 0x00000100', [{ kind: 'compare', field: 'meta mark', op: '==', value: 0x100 }]],
    [
      'tcp flags ! syn',
      [
        { kind: 'compare', field: 'meta l4proto', op: '==', value: 6 },
        { kind: 'compare', field: 'tcp flags', mask: 2, op: '==', value: 0 },
      ],
    ],
    [
      'icmpv6 type nd-router-advert',
      [
        { kind: 'compare', field: 'meta l4proto', op: '==', value: 58 },
        { kind: 'compare', field: 'icmpv6 type', op: '==', value: 134 },
      ],
    ],
    [
      'ip daddr 10.96.0.0/13',
      [
        { kind: 'compare', field: 'meta nfproto', op: '==', value: 2 },
        { kind: 'address', field: 'ip daddr', op: '==', address: '0a600000', prefix: 13 },
      ],
    ],
    [
      'ip6 saddr != fd00:10::/30',
      [
        { kind: 'compare', field: 'meta nfproto', op: '==', value: 10 },
        { kind: 'address', field: 'ip6 saddr', op: '!=', address: 'fd00001000000000'.padEnd(32, '0'), prefix: 30 },
      ],
    ],
    [
      'udp dport 8000-9000',
      [
        { kind: 'compare', field: 'meta l4proto', op: '==', value: 17 },
        { kind: 'range', field: 'th dport', first: 8000, last: 9000 },
      ],
    ],
    ['ct mark set ct mark | 0x00000002', [{ kind: 'set-mark', target: 'ct mark', mask: 2, value: 2 }]],
    ['ct mark set ct mark & 0xfffffffe', [{ kind: 'set-mark', target: 'ct mark', mask: 1, value: 0 }]],
    ['meta mark set 0x00000007', [{ kind: 'set-mark', target: 'meta mark', mask: 0xffffffff, value: 7 }]],
    ['meta mark set ct mark & 0x0000ff00', [{ kind: 'copy-mark', mask: 0xff00 }]],
    ['ct mark set meta mark & 0x0000ff00', [{ kind: 'save-mark', mask: 0xff00 }]],
    [
      'tcp flags syn / fin,syn,rst,ack tcp option maxseg size set rt mtu',
      [
        { kind: 'compare', field: 'meta l4proto', op: '==', value: 6 },
        { kind: 'compare', field: 'tcp flags', mask: 0x17, op: '==', value: 2 },
        { kind: 'clamp-mss' },
      ],
    ],
    ['reject', [{ kind: 'reject', with: 'port-unreachable' }]],
    [
      'ip saddr @peers',
      [
        { kind: 'compare', field: 'meta nfproto', op: '==', value: 2 },
        { kind: 'lookup', key: ['ip saddr'], set: 'peers' },
      ],
    ],
    [
      'ip saddr != @cidrs',
      [
        { kind: 'compare', field: 'meta nfproto', op: '==', value: 2 },
        { kind: 'lookup', key: ['ip saddr'], set: 'cidrs', negate: true },
      ],
    ],
    ['iifname vmap @dispatch', [{ kind: 'vmap', key: ['meta iifname'], map: 'dispatch' }]],
  ])('writes what nft reads as "%s"', (text, rule) => {
    using kernel = openNftables();
    kernel.apply([...SAMPLE, { op: 'add-chain', name: 'tested' }, { op: 'add-rule', chain: 'tested', rule }]);
    const lines = nft('list', 'chain', 'inet', 'sluice', 'tested').split('\n');
    expect(lines.map((line) => line.trim())).toContain(text);
  });

  it('is read by nft with every element as it was meant', () => {
    using kernel = openNftables();
    kernel.apply(SAMPLE);
    const elements = (set: string): string =>
      nft('list', 'set', 'inet', 'sluice', set)
        .match(/elements = \{([^}]*)\}/)![1]!
        .replaceAll(/\s+/g, ' ')
        .trim();
    expect(elements('cidrs')).toBe('10.0.0.0/16, 10.1.0.0/16, 240.0.0.0/4');
    expect(elements('ports')).toBe('80, 1024-65535');
    expect(elements('rules')).toBe('10.0.0.0/8 . tcp . 1-65535');
    expect(elements('spoof')).toBe('"slc0123456789ab" . 10.0.0.1');
    expect(nft('list', 'map', 'inet', 'sluice', 'dispatch')).toMatch(/"slc1" : goto pod-a/);
    expect(nft('list', 'map', 'inet', 'sluice', 'services')).toMatch(
      /10\.96\.0\.1 \. tcp \. 443 \. 0x00000001 : 10\.0\.0\.2 \. 6443/,
    );
  });

  it('finds and repairs what someone else did to the table', () => {
    using kernel = openNftables();
    kernel.apply(SAMPLE);
    const expected = applyTransaction(EMPTY_RULESET, SAMPLE);
    const repair = (): Transaction => diff(kernel.actual(expected)!, expected);
    for (const meddling of [
      ['insert', 'rule', 'inet', 'sluice', 'pod-a', 'accept'],
      ['flush', 'chain', 'inet', 'sluice', 'ingress'],
      ['add', 'chain', 'inet', 'sluice', 'stranger'],
      ['delete', 'element', 'inet', 'sluice', 'peers', '{ 10.0.0.1 }'],
      ['add', 'element', 'inet', 'sluice', 'dispatch', '{ "slc7" : accept }'],
      ['flush', 'set', 'inet', 'sluice', 'cidrs'],
    ]) {
      nft(...meddling);
      expect(repair(), meddling.join(' ')).not.toEqual([]);
      kernel.apply(repair());
      expect(repair(), meddling.join(' ')).toEqual([]);
    }
  });

  it('names the step and the element that failed', () => {
    using kernel = openNftables();
    kernel.apply(SAMPLE);
    const elements = ['10.7.0.1', '10.0.0.1', '10.7.0.2'].map((text) => [addressKey(parseIp(text)!), ''] as const);
    expect(() =>
      kernel.apply([
        { op: 'add-chain', name: 'fine' },
        { op: 'add-elements', spec: SETS.peers, elements },
      ]),
    ).toThrow(
      expect.objectContaining({
        code: 'exists',
        message: 'adding 3 elements to set peers, element 0a000001, failed with EEXIST',
        data: expect.objectContaining({ element: '0a000001', op: expect.objectContaining({ op: 'add-elements' }) }),
      }),
    );
  });

  it('guards a device in family netdev, and reads back what it did', () => {
    using links = openNetlink();
    links.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'wire0', mac: '02:00:00:00:00:01' } }]);
    using kernel = openNftables({ family: 'netdev' });
    const addresses = ['172.30.1.130', 'fd00:30:1::5'].map((text) => parseIp(text)!);
    const guard = wireGuard({ ifname: 'wire0', mac: '02:00:00:00:00:01', addresses, seal: 0x1234 });
    expect(kernel.actual(guard)).toBeUndefined();
    kernel.apply(replaceAll(guard));
    expect(diff(kernel.actual(guard)!, guard)).toEqual([]);
    const shown = nft('list', 'table', 'netdev', 'sluice');
    expect(shown).toMatch(/hook egress device "wire0"/);
    expect(shown).toContain('meta mark 0x00001234 meta mark set 0x00000000 accept');
    expect(shown).toContain('arp saddr ip @own4 accept');
    kernel.apply([{ op: 'destroy-table' }]);
    expect(kernel.actual(guard)).toBeUndefined();
    links.apply([{ kind: 'delete-link', link: 'wire0' }]);
  });

  it('loads a table of many megabytes in one transaction and reads it back', () => {
    using kernel = openNftables();
    const large = largeTable(60_000);
    kernel.apply(large);
    const expected = applyTransaction(EMPTY_RULESET, large);
    expect(diff(kernel.actual(expected)!, expected)).toEqual([]);
    kernel.apply([{ op: 'destroy-table' }]);
  });
});

/** A hundred sets with a chain each, and as many interfaces as there are elements in twenty of them. */
function largeTable(size: number): Transaction {
  const sets = Array.from({ length: 100 }, (_, n): SetSpec => ({ name: `set-${n}`, key: ['ipv4_addr'] }));
  const address = (n: number): string => (0x0a00_0000 + n).toString(16).padStart(8, '0');
  return [
    { op: 'destroy-table' },
    { op: 'add-table' },
    ...sets.map((spec): NftOp => ({ op: 'add-set', spec })),
    { op: 'add-set', spec: SETS.dispatch },
    ...sets.map((_, n): NftOp => ({ op: 'add-chain', name: `chain-${n}` })),
    ...sets.map(({ name }, n): NftOp => {
      const lookup = { kind: 'lookup', key: ['ip saddr'], set: name } as const;
      return { op: 'add-rule', chain: `chain-${n}`, rule: [lookup, { kind: 'verdict', verdict: 'accept' }] };
    }),
    ...sets.map((spec, n): NftOp => {
      const elements = Array.from({ length: size / 100 }, (_, i) => [address(i * 100 + n), ''] as const);
      return { op: 'add-elements', spec, elements };
    }),
    {
      op: 'add-elements',
      spec: SETS.dispatch,
      elements: Array.from({ length: size / 20 }, (_, n) => [ifnameKey(`slc${n}`), `goto chain-${n % 100}`] as const),
    },
  ];
}
