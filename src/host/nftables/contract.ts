import { describe, expect, it, onTestFinished } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { EMPTY_RULESET, applyTransaction, diff, replaceAll } from '../../core/nft/diff.ts';
import { addressKey, hostKey, ifnameKey, portKey, protoKey, rangeKey } from '../../core/nft/key.ts';
import type { NftOp, Ruleset, SetSpec, Statement, Transaction } from '../../core/nft/model.ts';
import type { Nftables } from './port.ts';

const ip = (text: string): string => addressKey(parseIp(text)!);

/** One set of every shape that Sluice uses. */
export const SETS = {
  peers: { name: 'peers', key: ['ipv4_addr'] },
  peers6: { name: 'peers6', key: ['ipv6_addr'] },
  cidrs: { name: 'cidrs', key: ['ipv4_addr'], interval: true },
  cidrs6: { name: 'cidrs6', key: ['ipv6_addr'], interval: true },
  ports: { name: 'ports', key: ['inet_service'], interval: true },
  rules: { name: 'rules', key: ['ipv4_addr', 'inet_proto', 'inet_service'], interval: true },
  spoof: { name: 'spoof', key: ['ifname', 'ipv4_addr'] },
  dispatch: { name: 'dispatch', key: ['ifname'], data: 'verdict' },
  services: {
    name: 'services',
    key: ['ipv4_addr', 'inet_proto', 'inet_service', 'integer'],
    data: ['ipv4_addr', 'inet_service'],
  },
  choices: {
    name: 'choices',
    key: ['ipv4_addr', 'inet_proto', 'inet_service', 'integer'],
    data: ['mark', 'ipv4_addr', 'inet_service'],
  },
  fronts: { name: 'fronts', key: ['ipv4_addr', 'inet_proto', 'inet_service'], data: ['mark', 'mark'] },
  numbers: { name: 'numbers', key: ['mark'], data: 'verdict' },
  clients: {
    name: 'clients',
    key: ['ipv4_addr', 'inet_proto', 'inet_service', 'ipv4_addr'],
    data: ['ipv4_addr', 'inet_service'],
    dynamic: true,
    size: 100,
  },
} as const satisfies Record<string, SetSpec>;

const IPV4: Statement = { kind: 'compare', field: 'meta nfproto', op: '==', value: 2 };
const ACCEPT: Statement = { kind: 'verdict', verdict: 'accept' };

const REMEMBER: Statement = {
  kind: 'remember',
  map: 'clients',
  key: ['ip daddr', 'meta l4proto', 'th dport', 'ip saddr'],
  seconds: 10_800,
  from: 'choices',
  choice: ['ip daddr', 'meta l4proto', 'th dport', { kind: 'numgen', mod: 2 }],
  family: 4,
};

/** A table with every kind of set, elements at the edges of their types, and rules that use them. */
export const SAMPLE: Transaction = [
  { op: 'destroy-table' },
  { op: 'add-table' },
  ...Object.values(SETS).map((spec): NftOp => ({ op: 'add-set', spec })),
  { op: 'add-chain', name: 'pod-a' },
  { op: 'add-chain', name: 'ingress', hook: { type: 'filter', hook: 'forward', priority: -10 } },
  {
    op: 'add-rule',
    chain: 'ingress',
    rule: [{ kind: 'compare', field: 'ct state', mask: 6, op: '!=', value: 0 }, ACCEPT],
  },
  { op: 'add-rule', chain: 'ingress', rule: [{ kind: 'vmap', key: ['meta oifname'], map: 'dispatch' }] },
  { op: 'add-rule', chain: 'pod-a', rule: [IPV4, REMEMBER] },
  {
    op: 'add-rule',
    chain: 'ingress',
    rule: [IPV4, { kind: 'vmap', key: ['ip daddr', 'meta l4proto', 'th dport'], through: 'fronts', map: 'numbers' }],
  },
  { op: 'add-rule', chain: 'pod-a', rule: [IPV4, { kind: 'lookup', key: ['ip saddr'], set: 'peers' }, ACCEPT] },
  { op: 'add-elements', spec: SETS.peers, elements: ['10.0.0.1', '255.255.255.255'].map((text) => [ip(text), '']) },
  { op: 'add-elements', spec: SETS.peers6, elements: [[ip('fd00::1'), '']] },
  {
    op: 'add-elements',
    spec: SETS.cidrs,
    elements: [
      // Adjacent ranges stay two elements; the last one has no key past its end.
      [rangeKey(ip('10.0.0.0'), ip('10.0.255.255')), ''],
      [rangeKey(ip('10.1.0.0'), ip('10.1.255.255')), ''],
      [rangeKey(ip('240.0.0.0'), ip('255.255.255.255')), ''],
    ],
  },
  {
    op: 'add-elements',
    spec: SETS.cidrs6,
    elements: [[rangeKey(ip('::'), ip('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')), '']],
  },
  {
    op: 'add-elements',
    spec: SETS.ports,
    elements: [
      [rangeKey(portKey(80), portKey(80)), ''],
      [rangeKey(portKey(1024), portKey(65535)), ''],
    ],
  },
  {
    op: 'add-elements',
    spec: SETS.rules,
    elements: [
      [rangeKey(ip('10.0.0.0') + protoKey(6) + portKey(1), ip('10.255.255.255') + protoKey(6) + portKey(65535)), ''],
    ],
  },
  { op: 'add-elements', spec: SETS.spoof, elements: [[ifnameKey('slc0123456789ab') + ip('10.0.0.1'), '']] },
  {
    op: 'add-elements',
    spec: SETS.dispatch,
    elements: [
      [ifnameKey('slc1'), 'goto pod-a'],
      [ifnameKey('slc2'), 'drop'],
    ],
  },
  {
    op: 'add-elements',
    spec: SETS.services,
    elements: [
      [ip('10.96.0.1') + protoKey(6) + portKey(443) + hostKey(0), ip('10.0.0.1') + portKey(6443)],
      [ip('10.96.0.1') + protoKey(6) + portKey(443) + hostKey(1), ip('10.0.0.2') + portKey(6443)],
    ],
  },
];

/** What every {@link Nftables} does, run against the kernel and the fake. `create` gives an empty packet filter. */
export function nftablesContract(name: string, create: () => Nftables): void {
  const sample = (): { nft: Nftables; ruleset: Ruleset } => {
    const nft = create();
    onTestFinished(() => nft[Symbol.dispose]());
    nft.apply(SAMPLE);
    return { nft, ruleset: applyTransaction(EMPTY_RULESET, SAMPLE) };
  };
  const codeOf = (nft: Nftables, ...ops: NftOp[]): unknown => {
    try {
      nft.apply(ops);
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  const drift = (nft: Nftables, expected: Ruleset): Transaction => diff(nft.actual(expected)!, expected);

  describe(`${name}: transactions`, () => {
    it('has no table before the first one, and none after the last', () => {
      const nft = create();
      onTestFinished(() => nft[Symbol.dispose]());
      nft.apply([{ op: 'destroy-table' }]);
      expect(nft.actual(EMPTY_RULESET)).toBeUndefined();
      nft.apply([{ op: 'add-table' }]);
      expect(nft.actual(EMPTY_RULESET)).toEqual(EMPTY_RULESET);
      nft.apply([{ op: 'destroy-table' }]);
      expect(nft.actual(EMPTY_RULESET)).toBeUndefined();
    });

    it('holds exactly what was applied, of every kind of set and rule', () => {
      const { nft, ruleset } = sample();
      const actual = nft.actual(ruleset)!;
      expect(drift(nft, ruleset)).toEqual([]);
      for (const [set, { elements }] of ruleset.sets) expect(actual.sets.get(set)!.elements, set).toEqual(elements);
      expect(actual.chains.get('ingress')?.hook).toEqual({ type: 'filter', hook: 'forward', priority: -10 });
    });

    it('replaces the whole table at once', () => {
      const { nft, ruleset } = sample();
      nft.apply(replaceAll(ruleset));
      expect(drift(nft, ruleset)).toEqual([]);
    });

    it('replaces the data of an element by deleting and adding it in one transaction', () => {
      const { nft, ruleset } = sample();
      const key = ifnameKey('slc1');
      nft.apply([
        { op: 'delete-elements', spec: SETS.dispatch, elements: [[key, 'goto pod-a']] },
        { op: 'add-elements', spec: SETS.dispatch, elements: [[key, 'drop']] },
      ]);
      expect(nft.actual(ruleset)!.sets.get('dispatch')!.elements.get(key)).toBe('drop');
    });

    it('deletes ranges as it added them', () => {
      const { nft, ruleset } = sample();
      for (const set of ['cidrs', 'cidrs6', 'ports', 'rules'] as const) {
        const elements = [...ruleset.sets.get(set)!.elements];
        nft.apply([{ op: 'delete-elements', spec: SETS[set], elements }]);
        expect(nft.actual(ruleset)!.sets.get(set)!.elements.size, set).toBe(0);
      }
    });

    it('takes all of a transaction or nothing', () => {
      const { nft, ruleset } = sample();
      const add: NftOp = { op: 'add-elements', spec: SETS.peers, elements: [[ip('10.0.0.77'), '']] };
      expect(codeOf(nft, add, { op: 'add-chain', name: 'new' }, { op: 'flush-chain', name: 'none' })).toBe('not-found');
      expect(drift(nft, ruleset)).toEqual([]);
    });

    it.each<[string, string, NftOp]>([
      ['a chain that exists', 'exists', { op: 'add-chain', name: 'pod-a' }],
      ['a set that exists', 'exists', { op: 'add-set', spec: SETS.peers }],
      ['an element that exists', 'exists', { op: 'add-elements', spec: SETS.peers, elements: [[ip('10.0.0.1'), '']] }],
      [
        'a range that overlaps',
        'exists',
        { op: 'add-elements', spec: SETS.cidrs, elements: [[rangeKey(ip('10.0.1.0'), ip('10.0.1.255')), '']] },
      ],
      ['a missing element', 'not-found', { op: 'delete-elements', spec: SETS.peers, elements: [[ip('10.9.9.9'), '']] }],
      [
        'a verdict for a missing chain',
        'not-found',
        { op: 'add-elements', spec: SETS.dispatch, elements: [[ifnameKey('slc9'), 'goto none']] },
      ],
      [
        'a rule that reads a missing set',
        'not-found',
        { op: 'add-rule', chain: 'pod-a', rule: [IPV4, { kind: 'lookup', key: ['ip saddr'], set: 'none' }, ACCEPT] },
      ],
      ['a rule in a missing chain', 'not-found', { op: 'add-rule', chain: 'none', rule: [ACCEPT] }],
      ['emptying a missing chain', 'not-found', { op: 'flush-chain', name: 'none' }],
      ['deleting a missing set', 'not-found', { op: 'delete-set', name: 'none' }],
      ['deleting a missing chain', 'not-found', { op: 'delete-chain', name: 'none' }],
      ['deleting a set that a rule reads', 'busy', { op: 'delete-set', name: 'peers' }],
      ['deleting a chain that a verdict map leads to', 'busy', { op: 'delete-chain', name: 'pod-a' }],
    ])('refuses %s with %s, and changes nothing', (_, code, op) => {
      const { nft, ruleset } = sample();
      expect(codeOf(nft, op)).toBe(code);
      expect(drift(nft, ruleset)).toEqual([]);
    });

    it('deletes a chain once nothing leads to it', () => {
      const { nft, ruleset } = sample();
      nft.apply([
        { op: 'delete-elements', spec: SETS.dispatch, elements: [[ifnameKey('slc1'), 'goto pod-a']] },
        { op: 'flush-chain', name: 'pod-a' },
        { op: 'delete-set', name: 'peers' },
        { op: 'delete-chain', name: 'pod-a' },
      ]);
      const actual = nft.actual(ruleset)!;
      expect(actual.chains.has('pod-a') || actual.sets.has('peers')).toBe(false);
    });

    it('walks from any state to any other by the difference alone', () => {
      const { nft, ruleset } = sample();
      const grown = applyTransaction(ruleset, [
        { op: 'add-chain', name: 'pod-b' },
        { op: 'add-rule', chain: 'pod-b', rule: [ACCEPT] },
        { op: 'add-elements', spec: SETS.dispatch, elements: [[ifnameKey('slc3'), 'goto pod-b']] },
        { op: 'delete-elements', spec: SETS.peers, elements: [[ip('10.0.0.1'), '']] },
        { op: 'flush-chain', name: 'pod-a' },
        { op: 'add-rule', chain: 'pod-a', rule: [{ kind: 'verdict', verdict: 'drop' }] },
      ]);
      const states = [ruleset, grown, EMPTY_RULESET, grown, ruleset];
      for (const [index, after] of states.slice(1).entries()) {
        nft.apply(diff(states[index]!, after));
        expect(drift(nft, after)).toEqual([]);
      }
    });
  });
}
