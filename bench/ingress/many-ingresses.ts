import type { Ingress, Service } from '../../src/core/kube/types.ts';
import type { IngressWorld } from '../../src/core/ingress/index.ts';
import { sliceSpec } from '../../src/core/service/index.ts';
import type { SliceSpec } from '../../src/core/service/model.ts';

/** A cluster of `count` Ingresses with two paths and a Service of three servers each. */
export function manyIngresses(count: number): Omit<IngressWorld, 'rejected'> {
  const names = Array.from({ length: count }, (_, index) => `app-${index}`);
  return {
    ingresses: names.map(ingressOf),
    classes: [],
    services: new Map(names.map((name) => [`default/${name}`, serviceOf(name)])),
    slices: new Map(names.map((name, index) => [`default/${name}`, [sliceOf(name, index, 1)]])),
    secrets: new Map(),
    inspectCertificate: () => ({ problem: 'there are none' }),
    withoutClass: true,
  };
}

/** The same after the servers of one Service have changed. */
export function withChange(
  world: Omit<IngressWorld, 'rejected'>,
  index: number,
  turn: number,
): Omit<IngressWorld, 'rejected'> {
  const name = `app-${index}`;
  return { ...world, slices: new Map(world.slices).set(`default/${name}`, [sliceOf(name, index, turn)]) };
}

function ingressOf(name: string): Ingress {
  const backend = { service: { name, port: { number: 80 } } };
  const paths = ['/', '/api'].map((path) => ({ path, pathType: 'Prefix', backend }));
  return {
    metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { rules: [{ host: `${name}.example.test`, http: { paths } }] },
  } as Ingress;
}

function serviceOf(name: string): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  } as Service;
}

function sliceOf(name: string, index: number, turn: number): SliceSpec {
  const address = (place: number): string => `10.${100 + place}.${index >> 8}.${index & 255}`;
  return sliceSpec({
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [0, 1, turn + 1].map((place) => ({ addresses: [address(place)], conditions: { ready: true } })),
  })!;
}
