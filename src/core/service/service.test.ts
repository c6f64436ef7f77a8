import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { EndpointSlice, Service } from '../kube/types.ts';
import { serviceSpec, sliceSpec } from './project.ts';
import { frontendsOf } from './translate.ts';
import type { Frontend } from './translate.ts';

function service(spec: Service['spec']): ReturnType<typeof serviceSpec> {
  return serviceSpec({ metadata: { namespace: 'default', name: 'web' }, spec: spec! });
}

function slice(name: string, endpoints: EndpointSlice['endpoints'], port?: string) {
  return sliceSpec({
    addressType: 'IPv4',
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ port: 8080, ...(port === undefined ? {} : { name: port }) }],
    endpoints,
  })!;
}

/** `address:port → backends` of every frontend on node-1; where clients from elsewhere have other backends, `| theirs` behind. */
function frontends(spec: ReturnType<typeof serviceSpec>, ...slices: ReturnType<typeof slice>[]): string[] {
  const texts = new Map<string, string[]>();
  for (const { address, family, port, backends, clients } of frontendsOf(spec, slices, { node: 'node-1' })) {
    const front = `${address === undefined ? `node(IPv${family})` : formatIp(address)}:${port}`;
    const text = backends.map((each) => `${formatIp(each.address)}:${each.port}`).join(' ');
    const [own = '', outside = ''] = texts.get(front) ?? [];
    texts.set(front, clients === 'own' ? [text, outside] : [own, text]);
  }
  return [...texts].map(([front, [own, outside]]) => `${front} → ${own === outside ? own : `${own} | ${outside}`}`);
}

const PORT = [{ port: 80 }];

describe('a Service', () => {
  it('spreads each address over the ready endpoints of its family, whichever slice lists them and however often', () => {
    const spec = service({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'], ports: PORT });
    const first = slice('a', [
      { addresses: ['10.244.0.3'] },
      { addresses: ['10.244.0.2'], conditions: { ready: false } },
    ]);
    const second = slice('b', [{ addresses: ['10.244.0.1'] }, { addresses: ['10.244.0.3'] }]);
    const third = slice('c', [{ addresses: ['fd00:10:244::1'] }]);
    const expected = ['10.96.0.9:80 → 10.244.0.1:8080 10.244.0.3:8080', 'fd00:10:96::9:80 → fd00:10:244::1:8080'];
    expect(frontends(spec, first, second, third)).toEqual(expected);
    expect(frontends(spec, third, second, first)).toEqual(expected);
  });

  it('falls back on endpoints that still serve while they terminate, and only when none is ready', () => {
    const spec = service({ clusterIP: '10.96.0.9', ports: PORT });
    const leaving = { addresses: ['10.244.0.1'], conditions: { ready: false, serving: true, terminating: true } };
    expect(frontends(spec, slice('a', [leaving]))).toEqual(['10.96.0.9:80 → 10.244.0.1:8080']);
    expect(frontends(spec, slice('a', [leaving, { addresses: ['10.244.0.2'] }]))).toEqual([
      '10.96.0.9:80 → 10.244.0.2:8080',
    ]);
  });

  describe('with endpoints in two zones', () => {
    const at = (i: number, hints?: { zones?: string[]; nodes?: string[] }, conditions = {}) => ({
      addresses: [`10.244.0.${i}`],
      conditions,
      ...(hints === undefined
        ? {}
        : {
            hints: {
              ...(hints.zones && { forZones: hints.zones.map((name) => ({ name })) }),
              ...(hints.nodes && { forNodes: hints.nodes.map((name) => ({ name })) }),
            },
          }),
    });
    const [notReady, leaving] = [{ ready: false }, { ready: false, serving: true, terminating: true }];
    it.each([
      [
        'those of its zone',
        [at(1, { zones: ['z1'] }), at(2, { zones: ['z2'] }), at(3, { zones: ['z1', 'z2'] })],
        '1 3',
      ],
      ['all where one has no hint', [at(1, { zones: ['z1'] }), at(2)], '1 2'],
      ['all where none is meant for its zone', [at(1, { zones: ['z2'] }), at(2, { zones: ['z3'] })], '1 2'],
      [
        'those of its node before those of its zone',
        [at(1, { zones: ['z1'], nodes: ['node-1'] }), at(2, { zones: ['z1'], nodes: ['node-2'] })],
        '1',
      ],
      [
        'those of its zone where its node has none',
        [at(1, { zones: ['z1'], nodes: ['node-3'] }), at(2, { zones: ['z2'], nodes: ['node-2'] })],
        '1',
      ],
      ['the ready ones alone, whatever others are hinted at', [at(1, {}, notReady), at(2, { zones: ['z1'] })], '2'],
      [
        'another zone’s ready one before a terminating one here',
        [at(1, { zones: ['z1'] }, leaving), at(2, { zones: ['z2'] })],
        '2',
      ],
      [
        'terminating ones wherever they are meant, if none is ready',
        [at(1, { zones: ['z2'] }, leaving), at(2)].slice(0, 1),
        '1',
      ],
    ])('sends to %s', (_, endpoints, expected) => {
      const spec = service({ clusterIP: '10.96.0.9', ports: PORT });
      const [{ backends }] = frontendsOf(spec, [slice('a', endpoints)], { node: 'node-1', zone: 'z1' }) as [Frontend];
      expect(backends.map(({ address }) => formatIp(address).split('.').at(-1)).join(' ')).toBe(expected);
    });
  });

  it('gives nothing to an endpoint that serves, is not ready and does not terminate', () => {
    const odd = { addresses: ['10.244.0.1'], conditions: { ready: false, serving: true } };
    expect(frontends(service({ clusterIP: '10.96.0.9', ports: PORT }), slice('a', [odd]))).toEqual(['10.96.0.9:80 → ']);
  });

  it('remembers clients for as long as it says, or three hours', () => {
    const sticky = { clusterIP: '10.96.0.9', ports: PORT, sessionAffinity: 'ClientIP' };
    expect(service(sticky).affinitySeconds).toBe(10_800);
    const config = { clientIP: { timeoutSeconds: 60 } };
    expect(service({ ...sticky, sessionAffinityConfig: config }).affinitySeconds).toBe(60);
    expect(
      service({ ...sticky, sessionAffinity: 'None', sessionAffinityConfig: config }).affinitySeconds,
    ).toBeUndefined();
  });

  it('matches the ports of slices by name and protocol', () => {
    const spec = service({
      clusterIP: '10.96.0.9',
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    });
    expect(frontends(spec, slice('a', [{ addresses: ['10.244.0.1'] }], 'http'))).toEqual([
      '10.96.0.9:80 → 10.244.0.1:8080',
      '10.96.0.9:53 → ',
    ]);
  });

  it('offers its NodePort with endpoints anywhere, or to clients from elsewhere those of this node under externalTrafficPolicy Local', () => {
    const endpoints = slice('a', [
      { addresses: ['10.244.0.1'], nodeName: 'node-1' },
      { addresses: ['10.244.1.1'], nodeName: 'node-2' },
    ]);
    const spec = { type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30080 }] };
    const anywhere = '10.244.0.1:8080 10.244.1.1:8080';
    expect(frontends(service(spec), endpoints).slice(1)).toEqual([`node(IPv4):30080 → ${anywhere}`]);
    expect(frontends(service({ ...spec, externalTrafficPolicy: 'Local' }), endpoints)).toEqual([
      `10.96.0.9:80 → ${anywhere} | 10.244.0.1:8080`,
      `node(IPv4):30080 → ${anywhere} | 10.244.0.1:8080`,
    ]);
  });

  it.each([
    ['headless', { clusterIP: 'None', ports: PORT }],
    ['of type ExternalName', { type: 'ExternalName', externalName: 'example.test', ports: PORT }],
  ])('that is %s is not translated', (_, spec) => {
    expect(frontends(service(spec))).toEqual([]);
  });

  it('answers on its external and load-balancer addresses, too', () => {
    const spec = serviceSpec({
      metadata: { name: 'web' },
      spec: { type: 'LoadBalancer', clusterIP: '10.96.0.9', externalIPs: ['203.0.113.7'], ports: PORT },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.8' }, { hostname: 'lb.example.test' }] } },
    });
    expect(frontends(spec)).toEqual(['10.96.0.9:80 → ', '203.0.113.7:80 → ', '203.0.113.8:80 → ']);
  });

  it('opens the address of its load balancer to the sources that it names alone, its other addresses to everybody', () => {
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.8' }, { ip: '2001:db8:113::8' }] } };
    const sourcesOf = (ranges: string[]) => {
      const spec = {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.9',
        externalIPs: ['203.0.113.7', '203.0.113.8'],
        loadBalancerSourceRanges: ranges,
        ports: PORT,
      };
      const own = frontendsOf(serviceSpec({ metadata: { name: 'web' }, spec, status }), [], { node: 'node-1' });
      return own.flatMap(({ address, clients, sources }) =>
        clients === 'own' ? [[formatIp(address!), sources?.map(formatCidr)]] : [],
      );
    };
    // Of the address that is external and the load balancer's the stricter counts; what cannot be read lets nobody in.
    expect(sourcesOf([' 198.51.100.0/24', '2001:db8:5::/48 ', 'everybody'])).toEqual([
      ['10.96.0.9', undefined],
      ['203.0.113.7', undefined],
      ['203.0.113.8', ['198.51.100.0/24']],
      ['2001:db8:113::8', ['2001:db8:5::/48']],
    ]);
    expect(sourcesOf(['198.51.100.0/24']).at(-1)).toEqual(['2001:db8:113::8', []]);
    expect(sourcesOf([]).at(-1)).toEqual(['2001:db8:113::8', undefined]);
  });

  it('leaves the address of a load balancer that hands connections on itself to that', () => {
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.8', ipMode: 'Proxy' }] } };
    const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.9', ports: PORT };
    expect(frontends(serviceSpec({ metadata: { name: 'web' }, spec, status }))).toEqual(['10.96.0.9:80 → ']);
  });

  describe('with endpoints on this node and another', () => {
    const spec = { type: 'NodePort', clusterIP: '10.96.0.9', externalIPs: ['203.0.113.7'], ports: PORT };
    const both = slice('a', [
      { addresses: ['10.244.0.1'], nodeName: 'node-1' },
      { addresses: ['10.244.1.1'], nodeName: 'node-2' },
    ]);
    const leaving = slice('a', [
      {
        addresses: ['10.244.0.1'],
        nodeName: 'node-1',
        conditions: { ready: false, serving: true, terminating: true },
      },
      { addresses: ['10.244.1.1'], nodeName: 'node-2' },
    ]);
    const [here, there] = ['10.244.0.1:8080', '10.244.1.1:8080'];
    const all = `${here} ${there}`;

    it.each([
      ['anywhere', {}, both, [all, all]],
      [
        'clients from elsewhere here',
        { externalTrafficPolicy: 'Local' },
        both,
        [`${all} | ${here}`, `${all} | ${here}`],
      ],
      ['its ClusterIP here', { internalTrafficPolicy: 'Local' }, both, [here, all]],
      [
        'everybody but own clients of external addresses here',
        { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
        both,
        [here, `${all} | ${here}`],
      ],
      // Terminating endpoints here are better than none, whatever other nodes have.
      [
        'clients from elsewhere by what is left here',
        { externalTrafficPolicy: 'Local' },
        leaving,
        [`${there} | ${here}`, `${there} | ${here}`],
      ],
    ])('it serves %s', (_, policy, endpoints, [inside, outside]) => {
      expect(frontends(service({ ...spec, ...policy }), endpoints)).toEqual([
        `10.96.0.9:80 → ${inside}`,
        `203.0.113.7:80 → ${outside}`,
      ]);
    });

    it('marks what comes from outside and may leave for another node, so that the answers come back this way', () => {
      const marked = (local: boolean) =>
        frontendsOf(service({ ...spec, ...(local ? { externalTrafficPolicy: 'Local' } : {}) }), [both], {
          node: 'node-1',
        }).flatMap(({ address, clients, anyNode }) => (anyNode ? [`${clients} ${formatIp(address!)}`] : []));
      expect([marked(false), marked(true)]).toEqual([['outside 10.96.0.9', 'outside 203.0.113.7'], []]);
    });
  });
});

it('a slice that names no Service is nobody’s', () => {
  expect(sliceSpec({ addressType: 'IPv4', metadata: { name: 'a' }, endpoints: [] })).toBeUndefined();
});
