import { describe, expect, it } from 'vitest';
import { formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { ServiceSpec, SliceSpec } from './model.ts';
import { frontendsOf } from './translate.ts';
import { serverKey, virtualServersOf } from './virtual-servers.ts';

const ip = (text: string) => parseIp(text)!;
const NODE = [ip('192.168.0.1'), ip('fd00::1')];
const slice: SliceSpec = {
  key: 'default/web-1',
  service: 'default/web',
  ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  endpoints: [
    { address: ip('10.244.0.1'), node: 'here', ready: true },
    { address: ip('10.244.1.1'), node: 'elsewhere', ready: true },
  ],
};
const service = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  key: 'default/web',
  addresses: [ip('10.96.0.1'), ip('203.0.113.1')],
  clusterIps: [ip('10.96.0.1')],
  ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 30_080 }],
  externalLocal: false,
  ...more,
});
const serversOf = (spec: ServiceSpec, slices: readonly SliceSpec[] = [slice]) =>
  virtualServersOf(frontendsOf(spec, slices, { node: 'here' }), NODE);

describe('virtual servers', () => {
  it('are the addresses of a Service and, for its NodePort, those of the node, of one family each', () => {
    expect(serversOf(service()).map(serverKey)).toEqual([
      'TCP 10.96.0.1 80',
      'TCP 203.0.113.1 80',
      'TCP 192.168.0.1 30080',
    ]);
    expect(serversOf(service()).map(({ backends }) => backends.map(({ address }) => formatIp(address)))).toEqual(
      Array.from({ length: 3 }, () => ['10.244.0.1', '10.244.1.1']),
    );
  });

  it('keep a client for as long as the Service says', () => {
    expect(serversOf(service({ affinitySeconds: 60 })).map(({ affinitySeconds }) => affinitySeconds)).toEqual([
      60, 60, 60,
    ]);
  });

  it.each<[string, Partial<ServiceSpec>, readonly string[]]>([
    ['externalTrafficPolicy Local', { externalLocal: true }, []],
    [
      'internalTrafficPolicy Local',
      { internalLocal: true },
      ['TCP 10.96.0.1 80', 'TCP 203.0.113.1 80', 'TCP 192.168.0.1 30080'],
    ],
    [
      'named sources',
      { guarded: { addresses: [ip('203.0.113.1')], sources: [parseCidr('198.51.100.0/24')!] } },
      ['TCP 10.96.0.1 80', 'TCP 192.168.0.1 30080'],
    ],
  ])('are only what leads all clients alike: %s', (_, more, expected) => {
    expect(serversOf(service(more)).map(serverKey)).toEqual(expected);
  });

  it('are all under externalTrafficPolicy Local where no endpoint is elsewhere', () => {
    const here = { ...slice, endpoints: slice.endpoints.slice(0, 1) };
    expect(serversOf(service({ externalLocal: true }), [here])).toHaveLength(3);
  });

  it('are none where the node itself is an endpoint: what comes to it passes the hooks behind the packet filter', () => {
    const own = { ...slice, endpoints: [...slice.endpoints, { address: NODE[0]!, node: 'here', ready: true }] };
    expect(serversOf(service(), [own])).toEqual([]);
  });

  it('are none without endpoints: nothing refuses at once as the packet filter does', () => {
    expect(serversOf(service(), [])).toEqual([]);
  });
});
