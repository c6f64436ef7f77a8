import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cidr, node, viewOf } from './bgp.test-support.ts';
import type { Scene } from './bgp.test-support.ts';
import { validateObject } from '../kube/validate/validate-object.ts';
import { birdConfig, readConfiguration, readFilter, readPeer } from './index.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bird-config-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What BIRD says against the text; empty when it takes it. */
function complaint(text: string): string {
  const path = join(folder, 'bird.conf');
  writeFileSync(path, text);
  return spawnSync('/usr/sbin/bird', ['-p', '-c', path], { encoding: 'utf8' }).stderr;
}

/** Texts by which a configuration could be led astray. */
const nasty = fc.oneof(
  fc.constantFrom(
    '"',
    '; }',
    '# ',
    '"; } protocol static evil { ipv4; route 0.0.0.0/0 blackhole; } #',
    "'",
    '\\',
    '\n}',
    '\0',
    'é',
    '*/',
  ),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constant('x'.repeat(9000)),
);
const or = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | string> =>
  fc.oneof({ weight: 40, arbitrary }, { weight: 1, arbitrary: nasty });
const name = or(fc.constantFrom('a', 'b', 'tor', 'filter-1', 'very.long.'.repeat(20)));
const address = or(
  fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('172.30.1.12', '172.30.1.1:1790', '[fd00::2]:180', 'fd00::9')),
);
const block = or(
  fc.constantFrom('10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', '10.9.9.9/12', 'fd00::/8', '::/0', 'fd00::1/128'),
);
const as = or(fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom('64512', '1.1', '65535.65535')));
const communities = or(fc.constantFrom('64512:100', '65536:1', '1:2:3', '4294967295:0:4294967295', 'gold'));
const selector = or(fc.constantFrom('all()', 'has(rr)', '!has(rr)', ''));
const secret = fc.record({
  secretKeyRef: fc.record({ name: fc.constant('s'), key: fc.constantFrom('good', 'good', 'good', 'evil', 'none') }),
});
const time = or(fc.constantFrom('120s', '2m', '1h8m15s', '4095s'));
const interfaceName = or(fc.constantFrom('eth0', 'eth*', 'bond0.100', 'a?c'));

const rule = fc.record(
  {
    action: or(fc.constantFrom('Accept', 'Reject')),
    cidr: block,
    matchOperator: or(fc.constantFrom('Equal', 'NotEqual', 'In', 'NotIn')),
    prefixLength: fc.record(
      { min: fc.integer({ min: -1, max: 130 }), max: fc.integer({ min: 0, max: 128 }) },
      { requiredKeys: [] },
    ),
    source: or(fc.constant('RemotePeers')),
    interface: interfaceName,
    peerType: or(fc.constantFrom('eBGP', 'iBGP')),
    communities: fc.record({ values: fc.array(communities, { maxLength: 2 }) }),
    asPathPrefix: fc.array(as, { maxLength: 3 }),
    priority: or(fc.integer({ min: 0, max: 5000 })),
    operations: fc.array(
      fc.record(
        {
          addCommunity: fc.record({ value: communities }),
          prependASPath: fc.record({ prefix: fc.array(as, { maxLength: 3 }) }),
          setPriority: fc.record({ value: fc.integer() }),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['action'] },
);
const likelyRule = fc
  .tuple(
    rule,
    fc.constantFrom(
      { cidr: '10.0.0.0/8', matchOperator: 'In' },
      { cidr: '', matchOperator: '', prefixLength: undefined },
    ),
  )
  .map(([random, fixed]) => ({ ...random, ...fixed, action: 'Accept', communities: undefined }));
const rules = or(fc.array(fc.oneof(rule, { weight: 3, arbitrary: likelyRule }), { maxLength: 3 }));
const filter = fc.record({ importV4: rules, exportV4: rules, importV6: rules, exportV6: rules }, { requiredKeys: [] });

const peer = fc.record(
  {
    nodeSelector: selector,
    peerIP: address,
    asNumber: as,
    peerSelector: selector,
    keepOriginalNextHop: fc.boolean(),
    nextHopMode: or(fc.constantFrom('Auto', 'Self', 'Keep')),
    password: or(secret),
    sourceAddress: or(fc.constantFrom('UseNodeIP', 'None')),
    maxRestartTime: time,
    numAllowedLocalASNumbers: fc.integer({ min: 0, max: 255 }),
    ttlSecurity: fc.integer({ min: 0, max: 254 }),
    reachableBy: fc.constantFrom('172.30.1.1', ''),
    filters: fc.array(name, { maxLength: 2 }),
    failureDetectionMode: or(fc.constantFrom('None', 'BFDIfDirectlyConnected')),
    localASNumber: as,
  },
  { requiredKeys: [] },
);
const likelyPeer = fc
  .tuple(peer, fc.constantFrom({}, { asNumber: 65_000, peerIP: '192.0.2.1' }, { peerSelector: 'all()' }))
  .map(([random, fixed]) => ({
    ...random,
    ...fixed,
    ...('peerSelector' in fixed ? { asNumber: 0, peerIP: '', reachableBy: '' } : {}),
  }));
const services = fc.array(fc.record({ cidr: block }), { maxLength: 2 });
const configuration = fc.record(
  {
    logSeverityScreen: or(fc.constantFrom('Debug', 'Info', 'Warning', 'Error', 'Fatal')),
    nodeToNodeMeshEnabled: fc.constantFrom(true, true, true, false),
    asNumber: as,
    listenPort: or(fc.integer({ min: 0, max: 70_000 })),
    bindMode: or(fc.constantFrom('None', 'NodeIP')),
    ignoredInterfaces: fc.array(interfaceName, { maxLength: 3 }),
    serviceClusterIPs: services,
    serviceExternalIPs: services,
    serviceLoadBalancerIPs: services,
    communities: fc.array(fc.record({ name: fc.constant('gold'), value: communities }), { maxLength: 2 }),
    prefixAdvertisements: fc.array(fc.record({ cidr: block, communities: fc.array(communities, { maxLength: 3 }) }), {
      maxLength: 2,
    }),
    nodeMeshPassword: secret,
    nodeMeshMaxRestartTime: time,
  },
  { requiredKeys: [] },
);
const clusterId = fc.constantFrom(undefined, '224.0.0.1');
const scene: fc.Arbitrary<Scene> = fc.record({
  nodes: fc
    .tuple(clusterId, clusterId, fc.constantFrom(['172.30.1.11/24'], ['172.30.1.11/24', 'fd00::1/64'], ['fd00::1/64']))
    .map(([one, other, own]) => [
      node('a', own, one === undefined ? {} : { clusterId: one, labels: { rr: '1' } }),
      node('b', ['172.30.1.12/24', 'fd00::2/64'], other === undefined ? {} : { clusterId: other, labels: { rr: '1' } }),
      node('c', ['172.30.2.13/24'], { asNumber: 65_001 }),
    ]),
  configurations: fc.record({ default: configuration, 'node.a': configuration }, { requiredKeys: [] }),
  peers: fc.dictionary(name, likelyPeer, { maxKeys: 4, noNullPrototype: true }),
  filters: fc.dictionary(name, filter, { maxKeys: 3, noNullPrototype: true }),
  secrets: nasty.map((evil) => ({ 's/good': 'secret word', 's/evil': evil })),
  pools: fc.constantFrom(
    [],
    [
      { cidr: cidr('10.244.0.0/16'), tunnelled: true, exported: true },
      { cidr: cidr('10.245.0.0/16'), tunnelled: false, exported: false },
      { cidr: cidr('fd00:10:244::/56'), tunnelled: false, exported: true },
    ],
  ),
});

it('is taken by BIRD, whatever stands in the objects of the cluster', () => {
  let sessions = 0;
  fc.assert(
    fc.property(scene, (each) => {
      const view = viewOf(each);
      sessions += view.sessions.length;
      expect(complaint(birdConfig(view))).toBe('');
      // Nothing of the configuration is anybody's but ours: protocols are what the view has, and the fixed ones.
      const hold = view.sessions.some(({ kind }) => kind !== 'mesh') ? 1 : 0;
      expect(birdConfig(view).match(/^protocol bgp /gm)?.length ?? 0).toBe(view.sessions.length + hold);
      expect(birdConfig(view)).not.toContain('evil');
    }),
    { numRuns: 150 },
  );
  expect(sessions).toBeGreaterThan(100);
});

it('finds what BIRD does not take', () => {
  expect(complaint('protocol nothing { }')).toContain('syntax error');
  expect(execFileSync('/usr/sbin/bird', ['--version'], { stdio: 'pipe' }).toString()).toBe('');
});

const readers = { BGPConfiguration: readConfiguration, BGPPeer: readPeer, BGPFilter: readFilter };
const objects = fc.oneof(
  fc.record({ kind: fc.constant('BGPConfiguration'), spec: configuration }),
  fc.record({ kind: fc.constant('BGPPeer'), spec: likelyPeer }),
  fc.record({ kind: fc.constant('BGPFilter'), spec: filter }),
);

it('is made of what validation accepts, without anything left out', () => {
  const good = { BGPConfiguration: 0, BGPPeer: 0, BGPFilter: 0 };
  fc.assert(
    fc.property(objects, ({ kind, spec }) => {
      const object = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name: 'default' }, spec };
      const errors = validateObject(object).map(({ path }) => path);
      const issues = readers[kind as keyof typeof readers](object).issues.map(({ message }) => message);
      if (errors.length > 0) return;
      good[kind as keyof typeof good] += 1;
      expect(issues).toEqual([]);
    }),
    { numRuns: 3000 },
  );
  for (const [kind, count] of Object.entries(good)) expect([kind, count > 10]).toEqual([kind, true]);
});
