import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PolicyOnlyNode, eventually } from './rig/policy-only-node.ts';
import type { ForeignPod } from './rig/policy-only-node.ts';

const RANGES = [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00:244:1::/64' }]];
const ROUTES = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];
const IPAM = { type: 'host-local', ranges: RANGES, routes: ROUTES };

/** What flannel's plugin delegates to. */
const BRIDGE = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipam: IPAM };
const PTP = { type: 'ptp', ipam: IPAM };
const SLUICE = { type: 'sluice' };

const FROM_CLIENTS = {
  podSelector: { matchLabels: { app: 'web' } },
  policyTypes: ['Ingress'],
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
};
const TO_WEB = {
  podSelector: { matchLabels: { app: 'client' } },
  policyTypes: ['Egress'],
  egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
};
const NOTHING = { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] };

describe.each([
  ['a bridge', BRIDGE, 'cni0'],
  ['point-to-point pairs', PTP, 'veth'],
] as const)('policy alone over the network of upstream plugins: %s', (_title, main, prefix) => {
  let node: PolicyOnlyNode;
  let [web, client, other]: ForeignPod[] = [];
  const outside = { name: 'outside', ips: ['172.30.1.1', 'fd00:30:1::1'] };
  beforeAll(async () => {
    node = await PolicyOnlyNode.create([prefix]);
    await node.startAgent();
    const list = node.chain('cbr0', main, SLUICE);
    web = await node.addPod(list, 'web', { app: 'web' }, { tell: false });
    client = await node.addPod(list, 'client', { app: 'client' }, { tell: false });
    other = await node.addPod(list, 'other', {}, { tell: false });
    for (const pod of [web, client, other]) await node.serve(pod);
    await node.serve({ ...outside, netns: node.outside });
  }, 60_000);
  afterAll(() => node[Symbol.asyncDispose]());

  it('leaves everything open without policies', async () => {
    // The host's side of a pair goes through duplicate address detection of IPv6.
    await eventually(async () => (await node.reached(other!.netns, web!)).length === 2);
    await eventually(async () => (await node.reached(client!.netns, outside)).length === 2);
    expect(await node.reached(node.outside, web!)).toEqual(web!.ips);
    expect((await node.status()).endpoints.map(({ interface: name }) => name.startsWith(prefix))).toEqual(
      Array(3).fill(true),
    );
  });

  it('enforces ingress between pods of one node and from elsewhere, in both families', async () => {
    await node.setPolicy('from-clients', FROM_CLIENTS);
    await eventually(async () => (await node.reached(other!.netns, web!)).length === 0);
    expect(await node.reached(client!.netns, web!)).toEqual(web!.ips);
    expect(await node.reached(node.outside, web!)).toEqual([]);
    expect(await node.reached(node.netns, web!)).toEqual(web!.ips);
  });

  it('enforces egress to pods of one node and to elsewhere, in both families', async () => {
    await node.setPolicy('to-web', TO_WEB);
    await eventually(async () => (await node.reached(client!.netns, outside)).length === 0);
    expect(await node.reached(client!.netns, other!)).toEqual([]);
    expect(await node.reached(client!.netns, web!)).toEqual(web!.ips);
    expect(await node.reached(other!.netns, outside)).toEqual(outside.ips);
  });

  it('puts a new pod under policy before its plugins have returned, and knows it as a peer', async () => {
    const list = node.chain('cbr0', main, SLUICE);
    const second = await node.addPod(list, 'second', { app: 'web' }, { tell: false });
    await node.serve(second);
    expect(await node.reached(other!.netns, second)).toEqual([]);
    await eventually(async () => (await node.reached(client!.netns, second)).length === 2);
    await node.runtime.checkNetworkList(list, second.attachment);
    await node.removePod(second);
    expect(readdirSync(join(node.stateDir, 'endpoints'))).toHaveLength(3);
    await expect(node.runtime.checkNetworkList(list, second.attachment)).rejects.toThrow();
  });

  it('cuts an open connection that a policy comes to deny, and no other', async () => {
    for (const ip of web!.ips) expect(await node.echoes(client!.netns, ip, 77)).toBe(true);
    expect(await node.echoes(node.outside, other!.ips[0]!, 78)).toBe(true);
    await node.setPolicy('from-clients', { ...NOTHING, ingress: [] });
    for (const ip of web!.ips) await eventually(async () => !(await node.echoes(client!.netns, ip, 77)));
    expect(await node.echoes(node.outside, other!.ips[0]!, 78)).toBe(true);
    await node.setPolicy('from-clients', FROM_CLIENTS);
    for (const ip of web!.ips) await eventually(() => node.echoes(client!.netns, ip, 77));
  });

  it('changes no verdict and loses nothing while the agent is away and comes back', async () => {
    const allowed = node.run(client!.netns, 'ping', '-i', '0.02', '-c', '150', '-q', web!.ips[0]!);
    const denied = node.run(other!.netns, 'ping', '-i', '0.02', '-c', '150', '-q', '-W', '0.5', web!.ips[0]!);
    await node.stopAgent();
    expect(await node.reached(other!.netns, web!)).toEqual([]);
    await node.startAgent();
    expect((await allowed).output).toContain('150 received');
    expect((await denied).output).toContain(' 0 received');
    expect(await node.reached(client!.netns, web!)).toEqual(web!.ips);
  });

  it('makes up for a DEL that came while it was away', async () => {
    const list = node.chain('cbr0', main, SLUICE);
    const gone = await node.addPod(list, 'gone');
    await node.stopAgent();
    await node.removePod(gone);
    await node.startAgent();
    await eventually(() => readdirSync(join(node.stateDir, 'endpoints')).length === 3);
  });

  it('leaves nothing of its own when the pods have gone', async () => {
    for (const pod of [web!, client!, other!]) await node.removePod(pod);
    await eventually(async () => (await node.status()).endpoints.length === 0);
    const { output } = await node.run(node.netns, 'nft', 'list', 'table', 'inet', 'sluice');
    for (const ip of [...web!.ips, ...client!.ips]) expect(output).not.toContain(ip);
    expect((await node.run(node.netns, 'ip', '-br', 'link')).output).not.toContain('veth');
  });
});
