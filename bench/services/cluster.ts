import { formatIp } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import type { Delta } from '../../src/core/calc/index.ts';
import type { EndpointSlice } from '../../src/core/kube/types.ts';
import { serviceSpec, sliceSpec } from '../../src/core/service/index.ts';

/** Endpoints of each Service; the last one of Service 0 is the pod that answers. */
export const ENDPOINTS = 5;
export const NODE = 'node-1';
const NODES = 1000;

/** The ClusterIP of the n-th Service. */
export function clusterIp(n: number): Ip {
  return { family: 4, value: 0x0a_60_00_01n + BigInt(n) };
}

/** An endpoint that is nobody: 10.128.0.0/10. */
export function farEndpoint(n: number): Ip {
  return { family: 4, value: 0x0a_80_00_00n + BigInt(n) };
}

/** Services of one port with five endpoints each on other nodes, a NodePort in every tenth, and as many slices. */
export function* services(count: number): Iterable<Delta> {
  for (let n = 0; n < count; n++) {
    yield serviceDelta(n);
    yield sliceDelta(
      n,
      Array.from({ length: ENDPOINTS }, (_, i) => farEndpoint(n * ENDPOINTS + i)),
    );
  }
}

function serviceDelta(n: number): Delta {
  const name = `service-${n}`;
  const nodePort = n % 10 === 0 && n < 27_000 ? { nodePort: 30_000 + n / 10 } : {};
  const value = serviceSpec({
    metadata: { namespace: 'default', name },
    spec: {
      type: 'nodePort' in nodePort ? 'NodePort' : 'ClusterIP',
      clusterIP: formatIp(clusterIp(n)),
      clusterIPs: [formatIp(clusterIp(n))],
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, ...nodePort }],
    },
  });
  return { kind: 'service', key: value.key, value };
}

/** The slice of the n-th Service, read as an informer reads it. */
export function sliceDelta(n: number, endpoints: readonly Ip[]): Delta {
  const name = `service-${n}`;
  const slice: EndpointSlice = {
    addressType: 'IPv4',
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map((ip, i) => ({
      addresses: [formatIp(ip)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${2 + ((n + i) % NODES)}`,
    })),
  };
  const value = sliceSpec(slice)!;
  return { kind: 'slice', key: value.key, value };
}
