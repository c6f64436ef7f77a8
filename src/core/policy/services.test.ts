import { describe, expect, it } from 'vitest';
import { formatIp } from '../../base/ip/index.ts';
import type { Pod, Service } from '../kube/types.ts';
import { clusterState } from './cluster-state.ts';
import { resolveService } from './services.ts';

function pod(name: string, ip: string, port: number, ready = true): Pod {
  return {
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: port }] }] },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

function service(spec: Service['spec']): Service {
  return { metadata: { name: 'web', namespace: 'default' }, spec: { selector: { app: 'web' }, ...spec } };
}

function resolve(spec: Service['spec'], wanted: { port: number | string; family?: 4 | 6 }, includeNotReady = false) {
  const state = clusterState({
    services: [service(spec)],
    pods: [
      pod('b', '10.0.0.2', 8080),
      pod('a', '10.0.0.1', 80),
      pod('late', '10.0.0.3', 80, false),
      pod('six', 'fd00::1', 80),
      { ...pod('done', '10.0.0.4', 80), status: { phase: 'Succeeded', podIP: '10.0.0.4' } },
      {
        ...pod('elsewhere', '10.0.0.5', 80),
        metadata: { name: 'elsewhere', namespace: 'other', labels: { app: 'web' } },
      },
    ],
    endpointSlices: [
      {
        metadata: { namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ port: 6443 }],
        endpoints: [{ addresses: ['172.30.0.1'] }],
      },
    ],
  });
  const found = resolveService(
    state,
    state.services.get('default/web')!,
    { family: 4, ...wanted },
    { includeNotReady },
  );
  return found.kind === 'backends' ? found.backends.map(({ ip, port }) => `${ip && formatIp(ip)}:${port}`) : found.kind;
}

describe('resolveService', () => {
  it('resolves a named target per pod, ready pods of the namespace and family only, in the order of their names', () => {
    expect(resolve({ ports: [{ port: 80, targetPort: 'http' }] }, { port: 80 })).toEqual([
      '10.0.0.1:80',
      '10.0.0.2:8080',
    ]);
    expect(resolve({ ports: [{ port: 80, targetPort: 'http' }] }, { port: 80, family: 6 })).toEqual(['fd00::1:80']);
  });

  it('includes pods that are not ready when asked or when the Service publishes them', () => {
    expect(resolve({ ports: [{ port: 80 }] }, { port: 80 }, true)).toContain('10.0.0.3:80');
    expect(resolve({ ports: [{ port: 80 }], publishNotReadyAddresses: true }, { port: 80 })).toContain('10.0.0.3:80');
  });

  it('finds a port by its name, and says when there is none', () => {
    expect(resolve({ ports: [{ port: 81, name: 'web' }] }, { port: 'web' })).toEqual(['10.0.0.1:81', '10.0.0.2:81']);
    expect(resolve({ ports: [{ port: 81 }] }, { port: 80 })).toBe('no-such-port');
  });

  it('has no backend for a pod that lacks the named port', () => {
    expect(resolve({ ports: [{ port: 80, targetPort: 'metrics' }] }, { port: 80 })).toEqual([]);
  });

  it('takes the EndpointSlices of a Service without a selector', () => {
    expect(resolve({ selector: {}, ports: [{ port: 443 }] }, { port: 443 })).toEqual(['172.30.0.1:6443']);
  });

  it('does not resolve an external name', () => {
    expect(resolve({ type: 'ExternalName', externalName: 'example.test' }, { port: 80 })).toBe('external-name');
  });
});
