import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import type { Capabilities } from '../../core/cni/index.ts';
import { assertCapable, assertNothingAsked } from './capabilities.ts';
import type { EndpointRecord } from './endpoint-record.ts';

const record = (pod: string, capabilities: Capabilities, more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  id: pod,
  network: 'n',
  containerId: pod,
  ifname: 'eth0',
  netns: '',
  namespace: 'default',
  pod,
  interface: `slc${pod}`,
  mac: '02:00:00:00:00:01',
  mtu: 1450,
  addresses: [parseIp('10.244.0.2')!],
  ...capabilities,
  ...more,
});

const at = (hostIp?: string, protocol: 'TCP' | 'UDP' = 'TCP'): Capabilities => ({
  hostPorts: [
    { protocol, hostPort: 80, containerPort: 8080, ...(hostIp === undefined ? {} : { hostIp: parseIp(hostIp)! }) },
  ],
});

it.each<[string, Capabilities, Capabilities, string | undefined]>([
  ['the same port', at(), at(), '80/TCP'],
  ['one address of any', at('192.0.2.1'), at(), '192.0.2.1:80/TCP'],
  ['one address of any of its family', at('2001:db8::1'), at('::'), '[2001:db8::1]:80/TCP'],
  ['any address of one', at(), at('192.0.2.1'), '80/TCP'],
  ['another address', at('192.0.2.1'), at('192.0.2.2'), undefined],
  ['the other family', at('0.0.0.0'), at('::'), undefined],
  ['another protocol', at(), at(undefined, 'UDP'), undefined],
])('a pod that asks for %s as another pod has it', (_, asked, held, taken) => {
  const attempt = () => assertCapable(record('new', asked), [record('old', held)]);
  if (taken === undefined) return expect(attempt).not.toThrow();
  expect(attempt).toThrow(`host port ${taken} is taken by pod default/old on this node`);
  expect(attempt).toThrow(expect.objectContaining({ cniCode: 11 }) as Error);
});

it('a pod does not stand in its own way', () => {
  expect(() => assertCapable(record('web', at()), [record('web', at())])).not.toThrow();
});

it.each<[string, EndpointRecord, string]>([
  [
    'a macvlan device',
    record('web', at(), { macvlan: { master: 'eth0', mode: 'bridge', places: [], seal: 0 } }),
    'a macvlan device leads past it',
  ],
  [
    'a burst of less than a packet',
    record('web', { bandwidth: { ingress: { rate: 8000, burst: 11_711 } } }),
    'bandwidth.ingressBurst 11711 is less than one packet of 1450 bytes takes (11712 bits)',
  ],
])('a pod with %s is refused for good', (_, asked, problem) => {
  const attempt = () => assertCapable(asked, []);
  expect(attempt).toThrow(problem);
  expect(attempt).toThrow(expect.objectContaining({ cniCode: 7 }) as Error);
});

it('a pod of another network may ask for nothing', () => {
  const portMappings = [{ hostPort: 80, containerPort: 80, protocol: 'tcp' }];
  expect(() => assertNothingAsked({ runtimeConfig: { portMappings } })).toThrow(
    /give them to "portmap" and "bandwidth"/,
  );
  for (const runtimeConfig of [{}, { portMappings: [] }, { ipRanges: [] }])
    expect(() => assertNothingAsked({ runtimeConfig })).not.toThrow();
  expect(() => assertNothingAsked({})).not.toThrow();
});
