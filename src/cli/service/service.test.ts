import { describe, expect, it } from 'vitest';
import type { EndpointSlice, NetworkPolicy, Pod, Service } from '../../core/kube/types.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { Judge } from '../judge.ts';
import { findPlace } from '../place.ts';
import { announcedBy } from './announced-by.ts';
import { describeService } from './describe-service.ts';
import { printService } from './print-service.ts';
import { whoMayReach } from './who-may-reach.ts';

function service(spec: Service['spec'], status?: Service['status']): Service {
  return { metadata: { name: 'web', namespace: 'shop' }, spec: spec!, ...(status && { status }) };
}

const SPEC = {
  type: 'LoadBalancer',
  selector: { app: 'web' },
  clusterIP: '10.96.0.9',
  clusterIPs: ['10.96.0.9'],
  ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30_080 }],
};

const slice: EndpointSlice = {
  addressType: 'IPv4',
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    {
      addresses: ['10.244.0.2'],
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-a' },
      conditions: { ready: true },
    },
    { addresses: ['10.244.1.2'], nodeName: 'node-2', conditions: { ready: false, serving: true, terminating: true } },
    { addresses: ['10.244.1.3'], nodeName: 'node-2', conditions: { ready: false } },
  ],
};

function pod(name: string, app: string, ip: string): Pod {
  return {
    metadata: { name, namespace: 'shop', labels: { app } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 8080 }] }] },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

describe('a Service', () => {
  it('is shown with its addresses, endpoints and the way of a packet', () => {
    const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7', ipMode: 'VIP' }] } };
    const shown = describeService(
      service({ ...SPEC, externalTrafficPolicy: 'Local', sessionAffinity: 'ClientIP' }, status),
      [slice],
    );
    expect(shown.served).toBe(true);
    const text = printService(shown, []).join('\n');
    expect(text).toContain('198.51.100.7   LoadBalancer');
    expect(text).toMatch(/10\.244\.0\.2 +TCP\/8080 +node-1 +shop\/web-a +ready/);
    expect(text).toMatch(/10\.244\.1\.2 +TCP\/8080 +node-2 +- +terminating, serving/);
    expect(text).toMatch(/10\.244\.1\.3 .* not ready/);
    expect(text).toContain('a ready endpoint on the node that it comes to, or is refused');
    expect(text).toContain('for 10800 s');
    expect(text).toContain('port 30080 of any node');
  });

  it('says whom its endpoints are meant for, nodes before zones', () => {
    const hints = (name: string) => ({ forZones: [{ name: 'z1' }], forNodes: [{ name }] });
    const endpoints = slice.endpoints!.map((each, i) => ({ ...each, hints: hints(`node-${i}`) }));
    const text = printService(describeService(service(SPEC), [{ ...slice, endpoints }]), []).join('\n');
    expect(text).toMatch(/10\.244\.0\.2 .* ready +node-0 z1/);
    expect(text).toContain(
      'an endpoint meant for its own node, or else an endpoint meant for the zone of its node, or else any ready endpoint',
    );
  });

  it('is shown with the node that announces an address on its segment, as its Leases say who lives', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }, { ip: '198.51.100.7' }] } };
    const shown = (seconds: number): string => {
      const announced = announcedBy({
        services: [service(SPEC, status)],
        endpointSlices: [slice],
        nodes: [{ metadata: { name: 'node-1' } }],
        ipPools: [
          {
            metadata: { name: 'a', annotations: { 'sluice.dev/announce': 'LoadBalancerIPs' } },
            spec: { cidr: '192.0.2.0/24' },
          },
          { metadata: { name: 'b' }, spec: { cidr: '198.51.100.0/24' } },
        ],
        leases: [
          {
            metadata: { name: 'node-1', annotations: { 'sluice.dev/subnets': '{"eth0":["192.0.2.1/24"]}' } },
            spec: { renewTime: new Date(now - seconds * 1000).toISOString() },
          },
        ],
        now,
      });
      return printService(describeService(service(SPEC, status), [slice], announced), []).join('\n');
    };
    expect(shown(5)).toMatch(/192\.0\.2\.7 +LoadBalancer +node-1\n198\.51\.100\.7 +LoadBalancer +-/);
    expect(shown(60)).toMatch(/192\.0\.2\.7 +LoadBalancer +no node/);
  });

  it.each([
    ['headless', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 80 }] }, 'endpoints themselves', false],
    ['an ExternalName', { type: 'ExternalName', externalName: 'db.example.test' }, 'db.example.test', true],
  ])('that is %s is told from others', (_, spec, words, served) => {
    const shown = describeService(service(spec), []);
    expect(shown.served).toBe(served);
    expect(shown.path.join()).toContain(words);
  });

  it('without ports says so', () => {
    const lines = printService(
      describeService(service({ type: 'ExternalName', externalName: 'db.example.test', ports: [] }), []),
      [],
    );
    expect(lines).toContain('No ports.');
    expect(lines.join()).not.toContain('NODE PORT');
  });

  it('names who may reach it under policy', () => {
    const policy: NetworkPolicy = {
      metadata: { name: 'front-only', namespace: 'shop' },
      spec: {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'front' } } }], ports: [{ port: 8080 }] }],
      },
    };
    const state = clusterState({
      namespaces: [{ metadata: { name: 'shop' } }],
      pods: [
        pod('web-a', 'web', '10.244.0.2'),
        pod('front', 'front', '10.244.0.3'),
        pod('batch', 'batch', '10.244.0.4'),
      ],
      nodes: [],
      services: [service(SPEC)],
      networkPolicies: [policy],
    });
    const place = findPlace('shop/service/web', state, 'shop');
    if (place.kind !== 'service') throw new Error('no Service');
    const reach = whoMayReach(new Judge(new PolicyEngine(state)), place.service, place);
    // A pod never keeps itself out.
    expect(reach).toEqual([
      { port: 'TCP/80', allowed: ['shop/front', 'shop/web-a'], denied: ['outside', 'shop/batch'] },
    ]);
    expect(printService(describeService(service(SPEC), [slice]), reach).slice(-2)).toEqual([
      '  TCP/80: shop/front, shop/web-a',
      '          not: outside, shop/batch',
    ]);
  });
});
