import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arbitraryCluster } from '../../../test/golden/arbitrary-cluster.ts';
import { arbitraryModel } from '../../../test/golden/arbitrary-model.ts';
import { deltasOf } from '../../../test/golden/compiled-node.ts';
import { deltasOfState } from '../../../test/golden/compiled-state.ts';
import { openNftables } from '../../host/nftables/kernel.ts';
import { parseIp } from '../../base/ip/index.ts';
import { createCalcEngine } from '../calc/index.ts';
import type { Delta } from '../calc/index.ts';
import { replaceAll } from './diff.ts';
import type { Rule, Ruleset } from './model.ts';
import { plainRuleset } from './plain.ts';
import { renderRuleset } from './render.ts';

let holder: ChildProcess;

beforeAll(async () => {
  holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout!, 'data');
});

afterAll(() => {
  holder.stdin!.end();
});

const netns = () => `/proc/${holder.pid}/ns/net`;

/** Runs nft in the namespace and returns what it prints. */
function nft(args: readonly string[], input = ''): string {
  const run = spawnSync('nsenter', [`--net=${netns()}`, 'nft', ...args], { input, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`nft ${args.join(' ')}: ${run.stderr}\n${input}`);
  return run.stdout;
}

/** What to sort a line by: a rule by its chain alone, so that the order inside a chain stays. */
function placeOf(line: string): string {
  return /^rule .*?"chain":"[^"]*"/.exec(line)?.[0] ?? line;
}

interface Listed {
  readonly nftables: readonly Record<string, Record<string, unknown>>[];
}

/** What nft lists, without handles and in an order of names. */
function listed(): string[] {
  const { nftables } = JSON.parse(nft(['-j', 'list', 'table', 'inet', 'sluice'])) as Listed;
  const lines: string[] = [];
  for (const object of nftables) {
    const [kind, fields] = Object.entries(object)[0]!;
    if (kind === 'metainfo' || kind === 'table') continue;
    const { handle: _handle, elem, ...rest } = fields;
    const elements = Array.isArray(elem) ? elem.map((each) => JSON.stringify(each)).sort() : [];
    // Without a check of the link's type, which the tunnel device needs not, nft knows the address by its place only.
    const text = JSON.stringify(rest).replace(
      '{"base":"ll","offset":48,"len":48}',
      '{"protocol":"ether","field":"saddr"}',
    );
    // A number that an expression makes has a type in nft's text only; in the kernel the key is like a mark.
    lines.push(`${kind} ${text.replace('"integer"', '"mark"')} ${elements.join(' ')}`);
  }
  // Rules come chain by chain in their order; only the chains' own order is nobody's concern.
  return lines.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0));
}

const services: Delta[] = ['10.96.0.10', 'fd00:10:96::a'].flatMap((ip): Delta[] => [
  {
    kind: 'service',
    key: `default/web-${ip}`,
    value: {
      key: `default/web-${ip}`,
      addresses: [parseIp(ip)!],
      clusterIps: [parseIp(ip)!],
      ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 30080 }],
      externalLocal: false,
    },
  },
  {
    kind: 'slice',
    key: `default/web-${ip}`,
    value: {
      key: `default/web-${ip}`,
      service: `default/web-${ip}`,
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      endpoints: ['10.244.0.2', '10.244.1.3', 'fd00:10:244::2'].map((each) => ({
        address: parseIp(each)!,
        ready: true,
      })),
    },
  },
]);

/** Without the few rules that the grammar of nft has no words for; tests with packets have them. */
function writable(ruleset: Ruleset): Ruleset {
  const isWritable = (rule: Rule): boolean =>
    rule.every((each) => each.kind !== 'remember' && (each.kind !== 'vmap' || each.through === undefined));
  const chains = [...ruleset.chains].map(
    ([name, chain]) => [name, { ...chain, rules: chain.rules.filter(isWritable) }] as const,
  );
  return { chains: new Map(chains), sets: ruleset.sets };
}

const anyDeltas = fc.oneof(
  arbitraryCluster.map((cluster) => deltasOf(cluster, 'node-0')),
  arbitraryModel({ addressless: false }).map(({ state }) => deltasOfState(state, 'node-0')),
);

test('nft accepts the printed ruleset and lists it as it lists what the raw encoder has loaded', () => {
  fc.assert(
    fc.property(anyDeltas, (deltas) => {
      const engine = createCalcEngine({ node: 'node-0' });
      for (const delta of deltas) engine.apply(delta);
      for (const delta of services) engine.apply(delta);
      engine.flush();
      nft(['flush', 'ruleset']);
      const ruleset = writable(engine.ruleset());
      const text = renderRuleset(ruleset);
      nft(['-c', '-f', '-'], text);
      nft(['-f', '-'], text);
      const fromText = listed();
      using nftables = openNftables({ netns: netns() });
      nftables.apply(replaceAll(ruleset));
      expect(listed()).toEqual(fromText);
    }),
    { numRuns: 40 },
  );
});

test('nft lists the rules that it has no words for', () => {
  const engine = createCalcEngine({ node: 'node-0' });
  for (const delta of services)
    engine.apply(delta.kind === 'service' ? { ...delta, value: { ...delta.value!, affinitySeconds: 60 } } : delta);
  nft(['flush', 'ruleset']);
  using nftables = openNftables({ netns: netns() });
  nftables.apply([{ op: 'add-table' }, ...engine.flush().transaction]);
  const text = nft(['list', 'table', 'inet', 'sluice']);
  for (const family of [4, 6]) {
    expect(text).toContain(`vmap @service-spreads${family}`);
    expect(text).toContain(`update @service-affinity${family}`);
  }
});

test('the kernel takes every transaction of a walk and holds what was wanted', () => {
  using nftables = openNftables({ netns: netns() });
  fc.assert(
    fc.property(fc.array(anyDeltas, { minLength: 2, maxLength: 4 }), (states) => {
      const engine = createCalcEngine({ node: 'node-0' });
      engine.flush();
      nftables.apply(replaceAll(engine.ruleset()));
      let known: Delta[] = [];
      for (const deltas of states) {
        const next = [...deltas, ...services];
        const kept = new Set(next.map(({ kind, key }) => `${kind} ${key}`));
        for (const delta of known)
          if (!kept.has(`${delta.kind} ${delta.key}`)) engine.apply({ kind: delta.kind, key: delta.key } as Delta);
        for (const delta of next) engine.apply(delta);
        nftables.apply(engine.flush().transaction);
        const held = nftables.actual(engine.ruleset())!;
        expect(plainRuleset(held)).toEqual(plainRuleset(engine.ruleset()));
        known = next;
      }
    }),
    { numRuns: 40 },
  );
});
