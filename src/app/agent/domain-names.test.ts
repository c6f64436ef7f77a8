import { encode } from 'dns-packet';
import type { Answer } from 'dns-packet';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { Delta } from '../../core/calc/model.ts';
import { DNS_GROUP } from '../../core/nft/dns-answers.ts';
import type { Policy } from '../../core/policy/model.ts';
import { normalisePolicy } from '../../core/policy/normalise/registry.ts';
import { FakeConntrack } from '../../host/conntrack/fake.ts';
import { FakePacketCopies } from '../../host/nflog/fake.ts';
import { readDnsAnswer } from './dns-answer.ts';
import { DomainNames } from './domain-names.ts';
import { textInMemory } from './text-file.ts';
import type { TextStore } from './text-file.ts';

const MINUTE = 60_000;

/** A UDP packet that carries a DNS answer. */
function packet(name: string, answers: readonly Answer[], family: 4 | 6 = 4, type: 'response' | 'query' = 'response') {
  const message = encode({ type, id: 1, questions: [{ name, type: 'A' }], answers: [...answers] });
  const header = new Uint8Array(family === 4 ? 24 : 40);
  if (family === 4) [header[0], header[9]] = [0x46, 17];
  else [header[0], header[6]] = [0x60, 17];
  return Uint8Array.of(...header, ...new Uint8Array(8), ...message);
}

const a = (name: string, data: string, ttl = 5): Answer => ({ type: 'A', name, data, ttl });
const cname = (name: string, data: string): Answer => ({ type: 'CNAME', name, data, ttl: 300 });
const show = (learned: ReturnType<typeof readDnsAnswer>) =>
  learned.map(({ name, addresses, ttl }) => `${name} ${addresses.map(formatIp).join()} ${ttl}`);

describe('a DNS answer', () => {
  it('tells the addresses of the name and of those that it is an alias of, over either family', () => {
    const answers = [
      cname('WWW.shop.example', 'edge.example'),
      a('edge.example', '192.0.2.1'),
      a('edge.example', '192.0.2.2', 9),
    ];
    for (const family of [4, 6] as const)
      expect(show(readDnsAnswer(packet('www.Shop.example', answers, family)))).toEqual([
        'www.shop.example 192.0.2.1,192.0.2.2 5',
        'edge.example 192.0.2.1,192.0.2.2 5',
      ]);
  });

  it.each<[string, Uint8Array]>([
    ['of a name that was not asked for', packet('a.example', [a('b.example', '192.0.2.1')])],
    [
      'that goes round in circles',
      packet('a.example', [cname('a.example', 'b.example'), cname('b.example', 'a.example')]),
    ],
    ['that is a question', packet('a.example', [a('a.example', '192.0.2.1')], 4, 'query')],
    ['that is cut short', packet('a.example', [a('a.example', '192.0.2.1')]).subarray(0, 50)],
    ['that is none', Uint8Array.of(1, 2, 3)],
    ['of another protocol', packet('a.example', [a('a.example', '192.0.2.1')]).with(9, 6)],
  ])('%s tells nothing', (_, bytes) => {
    expect(readDnsAnswer(bytes)).toEqual([]);
  });
});

describe('the names that policies speak of', () => {
  let now: number;
  let deltas: string[];
  let conntrack: FakeConntrack;
  let copies: FakePacketCopies;
  let store: TextStore;

  beforeEach(() => {
    now = 0;
    deltas = [];
    conntrack = new FakeConntrack();
    copies = new FakePacketCopies();
    store = textInMemory();
  });

  function names(patterns: readonly string[]): DomainNames {
    const { policy } = normalisePolicy({
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'p' },
      spec: {
        tier: 'Admin',
        priority: 1,
        subject: { namespaces: {} },
        egress: [{ action: 'Accept', to: [{ domainNames: patterns }] }],
      },
    })!;
    const policies = (): Policy[] => [policy];
    return new DomainNames({
      conntrack,
      store,
      policies,
      copies,
      filter: { applyNow: (delta) => void deltas.push(textOf(delta)) },
      log: silentLogger,
      now: () => now,
    });
  }

  const textOf = (delta: Delta): string =>
    delta.kind === 'domain' ? `${delta.key} ${(delta.value ?? []).map(formatIp).join()}` : delta.kind;

  it('are learned once each, and no others', () => {
    const learned = names(['*.shop.example', 'one.example']);
    for (let i = 0; i < 2; i++) {
      learned.learn(packet('www.shop.example', [a('www.shop.example', '192.0.2.1')]));
      learned.learn(packet('shop.example', [a('shop.example', '192.0.2.9')]));
      learned.learn(packet('one.example', [a('one.example', '192.0.2.3')]));
    }
    learned.learn(packet('www.shop.example', [a('www.shop.example', '192.0.2.2')]));
    expect(deltas).toEqual([
      'www.shop.example 192.0.2.1',
      'one.example 192.0.2.3',
      'www.shop.example 192.0.2.1,192.0.2.2',
    ]);
  });

  it('are forgotten when their time is over, but not while a connection uses the address', async () => {
    const learned = names(['a.example']);
    learned.learn(packet('a.example', [a('a.example', '192.0.2.1')]));
    learned.learn(packet('a.example', [a('a.example', '192.0.2.2', 3600)]));
    learned.learn(packet('a.example', [a('a.example', '192.0.2.3')]));
    const ends = (text: string) => ({ source: parseIp('10.244.0.2')!, destination: parseIp(text)!, protocol: 6 });
    conntrack.flows.set(1, {
      id: 1,
      original: { ...ends('192.0.2.3'), sourcePort: 4000, destinationPort: 80 },
      reply: {
        source: parseIp('192.0.2.3')!,
        destination: parseIp('10.244.0.2')!,
        protocol: 6,
        sourcePort: 80,
        destinationPort: 4000,
      },
      mark: 0,
      status: 0,
      timeout: 60,
      zone: 0,
    });
    await learned.expire();
    now = 2 * MINUTE;
    await learned.expire();
    expect(deltas.at(-1)).toBe('a.example 192.0.2.2,192.0.2.3');
    conntrack.flows.clear();
    now = 4 * MINUTE;
    await learned.expire();
    expect(deltas.at(-1)).toBe('a.example 192.0.2.2');
    now = 61 * MINUTE;
    await learned.expire();
    expect(deltas.at(-1)).toBe('a.example ');
    expect(learned.snapshot()).toEqual([]);
  });

  it('are heard of in copies of DNS answers, until nobody listens', () => {
    const learned = names(['a.example']);
    {
      using _listening = learned.listen();
      copies.send(DNS_GROUP, packet('a.example', [a('a.example', '192.0.2.1')]));
    }
    copies.send(DNS_GROUP, packet('a.example', [a('a.example', '192.0.2.2')]));
    expect(deltas).toEqual(['a.example 192.0.2.1']);
  });

  it('are kept while nobody can tell which of them are in use', async () => {
    const learned = names(['a.example']);
    learned.learn(packet('a.example', [a('a.example', '192.0.2.1')]));
    conntrack.dumpInBackground = () => Promise.reject(new Error('no buffer space'));
    now = 2 * MINUTE;
    await learned.expire();
    expect(learned.snapshot().map(textOf)).toEqual(['a.example 192.0.2.1']);
  });

  it('outlive the agent', () => {
    names(['a.example']).learn(packet('a.example', [a('a.example', '192.0.2.1')]));
    expect(names(['a.example']).snapshot().map(textOf)).toEqual(['a.example 192.0.2.1']);
    store.save('{ broken');
    expect(names(['a.example']).snapshot()).toEqual([]);
  });
});
