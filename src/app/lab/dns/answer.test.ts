import { describe, expect, it } from 'vitest';
import { answer } from './answer.ts';
import type { DnsEndpoint, DnsService, DnsView } from './zone.ts';

const web: DnsService = {
  namespace: 'shop',
  name: 'web',
  kind: 'cluster-ip',
  addresses: ['10.96.0.7', 'fd00:10:96::7'],
  ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
};
const db: DnsService = { namespace: 'shop', name: 'db', kind: 'headless', addresses: [], ports: [] };
const idle: DnsService = { namespace: 'shop', name: 'idle', kind: 'headless', addresses: [], ports: [] };
const away: DnsService = {
  namespace: 'shop',
  name: 'away',
  kind: 'external-name',
  addresses: [],
  target: 'db.example',
  ports: [],
};
const alias = (name: string, target: string): DnsService => ({ ...away, name, target });
const aliases = [
  alias('within', 'web.shop.svc.cluster.local'),
  alias('dotted', 'DB.shop.svc.cluster.local.'),
  alias('twice', 'within.shop.svc.cluster.local'),
  alias('known', 'outside.example'),
  alias('gone', 'nope.shop.svc.cluster.local'),
  alias('ring', 'gnir.shop.svc.cluster.local'),
  alias('gnir', 'ring.shop.svc.cluster.local'),
];
const dbPorts = [{ name: 'mysql', protocol: 'TCP', port: 3306 }];
const dbEndpoints: readonly DnsEndpoint[] = [
  { address: '10.244.1.5', hostname: 'db-0', ports: dbPorts },
  { address: '10.244.2.6', ports: dbPorts },
];
const services = [web, db, idle, away, ...aliases];

const view: DnsView = {
  domain: 'cluster.local',
  outside: { 'outside.example': ['203.0.113.10', '2001:db8:113::10'] },
  service: (namespace, name) => services.find((each) => each.namespace === namespace && each.name === name),
  endpoints: (_namespace, name) => (name === 'db' ? dbEndpoints : []),
  hasNamespace: (name) => ['shop', 'default'].includes(name),
  serviceAt: (address) => services.find(({ addresses }) => addresses.includes(address)),
  endpointAt: (address) => {
    const endpoint = dbEndpoints.find((each) => each.address === address);
    return endpoint === undefined ? undefined : { service: db, endpoint };
  },
};

const data = (name: string, type: string): unknown[] => answer(view, name, type).answers.map((record) => record.data);

describe('the answer to a DNS question', () => {
  it.each([
    ['web.shop.svc.cluster.local', 'A', ['10.96.0.7']],
    ['WEB.Shop.svc.cluster.local.', 'A', ['10.96.0.7']],
    ['web.shop.svc.cluster.local', 'AAAA', ['fd00:10:96::7']],
    ['db.shop.svc.cluster.local', 'A', ['10.244.1.5', '10.244.2.6']],
    ['db-0.db.shop.svc.cluster.local', 'A', ['10.244.1.5']],
    ['10-244-2-6.db.shop.svc.cluster.local', 'A', ['10.244.2.6']],
    ['away.shop.svc.cluster.local', 'A', ['db.example']],
    ['10-244-9-9.shop.pod.cluster.local', 'A', ['10.244.9.9']],
    ['fd00-10-244--9.shop.pod.cluster.local', 'AAAA', ['fd00:10:244::9']],
    ['outside.example', 'A', ['203.0.113.10']],
    ['7.0.96.10.in-addr.arpa', 'PTR', ['web.shop.svc.cluster.local']],
    ['5.1.244.10.in-addr.arpa', 'PTR', ['db-0.db.shop.svc.cluster.local']],
    ['dns-version.cluster.local', 'TXT', ['1.1.0']],
  ])('for %s %s is %j', (name, type, expected) => {
    expect(data(name, type)).toEqual(expected);
  });

  it('carries the name as it was asked, because resolvers compare it', () => {
    expect(answer(view, 'WeB.shop.svc.cluster.local', 'A').answers[0]?.name).toBe('WeB.shop.svc.cluster.local');
  });

  it.each([
    ['web.shop.svc.cluster.local', 'MX'],
    ['db.shop.svc.cluster.local', 'AAAA'],
    ['shop.svc.cluster.local', 'A'],
    ['svc.cluster.local', 'A'],
    ['cluster.local', 'A'],
    ['_tcp.web.shop.svc.cluster.local', 'SRV'],
    ['10-244-9-9.shop.pod.cluster.local', 'AAAA'],
    ['outside.example', 'TXT'],
  ])('for %s %s is empty, as the name exists', (name, type) => {
    expect(answer(view, name, type)).toMatchObject({ kind: 'found', answers: [] });
  });

  it.each([
    ['nope.shop.svc.cluster.local', 'A'],
    ['web.nowhere.svc.cluster.local', 'A'],
    ['nowhere.svc.cluster.local', 'A'],
    ['idle.shop.svc.cluster.local', 'A'],
    ['other.db.shop.svc.cluster.local', 'A'],
    ['a.b.c.d.web.shop.svc.cluster.local', 'A'],
    ['not-an-address.shop.pod.cluster.local', 'A'],
    ['_nope._tcp.web.shop.svc.cluster.local', 'SRV'],
    ['1.0.0.10.in-addr.arpa', 'PTR'],
    ['web.shop', 'A'],
    ['www.example.com', 'A'],
    ['xcluster.local', 'A'],
  ])('for %s %s is that there is no such name', (name, type) => {
    expect(answer(view, name, type).kind).toBe('no-such-name');
  });

  it.each([
    ['within', 'A', ['web.shop.svc.cluster.local', '10.96.0.7']],
    ['within', 'AAAA', ['web.shop.svc.cluster.local', 'fd00:10:96::7']],
    ['within', 'CNAME', ['web.shop.svc.cluster.local']],
    ['within', 'TXT', ['web.shop.svc.cluster.local']],
    ['dotted', 'A', ['DB.shop.svc.cluster.local.', '10.244.1.5', '10.244.2.6']],
    ['twice', 'A', ['within.shop.svc.cluster.local', 'web.shop.svc.cluster.local', '10.96.0.7']],
    ['known', 'A', ['outside.example', '203.0.113.10']],
    ['gone', 'A', ['nope.shop.svc.cluster.local']],
    ['ring', 'A', ['gnir.shop.svc.cluster.local', 'ring.shop.svc.cluster.local']],
  ])('for a name that leads to another, %s %s, has what that one stands for: %j', (name, type, expected) => {
    expect(data(`${name}.shop.svc.cluster.local`, type)).toEqual(expected);
  });

  it('ends a long chain of names, and names each record as the one before leads to it', () => {
    const links = Array.from({ length: 40 }, (_, n) => alias(`n${n}`, `n${n + 1}.shop.svc.cluster.local`));
    const chain = { ...view, service: (_: string, name: string) => links.find((each) => each.name === name) };
    const { answers } = answer(chain, 'n0.shop.svc.cluster.local', 'A');
    expect(answers).toHaveLength(8);
    expect(answers.slice(1).map(({ name }) => name)).toEqual(answers.slice(0, -1).map((record) => record.data));
  });

  it('gives the port and host of a Service by SRV, with the addresses beside', () => {
    const { answers, additionals } = answer(view, '_http._tcp.web.shop.svc.cluster.local', 'SRV');
    expect(answers[0]?.data).toEqual({ priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' });
    expect(additionals.map((record) => record.data)).toEqual(['10.96.0.7', 'fd00:10:96::7']);
  });

  it('gives every endpoint of a headless Service by SRV under its own name', () => {
    const targets = answer(view, '_mysql._tcp.db.shop.svc.cluster.local', 'SRV').answers.map(
      (record) => (record.data as { target: string }).target,
    );
    expect(targets).toEqual(['db-0.db.shop.svc.cluster.local', '10-244-2-6.db.shop.svc.cluster.local']);
  });
});
