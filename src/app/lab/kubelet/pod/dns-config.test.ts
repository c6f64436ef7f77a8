import { expect, it } from 'vitest';
import { resolvConf } from './dns-config.ts';

const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' };
const node = 'nameserver 192.0.2.1\n';
const containers: [] = [];

it('sends a pod to the cluster and searches its own namespace first', () => {
  expect(resolvConf({ containers }, 'shop', cluster, node)).toBe(
    'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  );
});

it('leaves a hostNetwork pod with its node, unless it asks for the cluster', () => {
  expect(resolvConf({ containers, hostNetwork: true }, 'shop', cluster, node)).toBe(node);
  const wanted = { containers, hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } as const;
  expect(resolvConf(wanted, 'shop', cluster, node)).toContain('nameserver 10.96.0.10');
});

it('gives a pod with policy None exactly what it says', () => {
  const dnsConfig = {
    nameservers: ['192.0.2.53'],
    searches: ['example.test'],
    options: [{ name: 'ndots', value: '2' }],
  };
  expect(resolvConf({ containers, dnsPolicy: 'None', dnsConfig }, 'shop', cluster, node)).toBe(
    'nameserver 192.0.2.53\nsearch example.test\noptions ndots:2\n',
  );
});

it('lets dnsConfig add to the policy and replace ndots', () => {
  const dnsConfig = {
    searches: ['example.test', 'cluster.local'],
    options: [{ name: 'ndots', value: '1' }, { name: 'edns0' }],
  };
  expect(resolvConf({ containers, dnsConfig }, 'shop', cluster, node)).toBe(
    'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local example.test\noptions ndots:1 edns0\n',
  );
});
