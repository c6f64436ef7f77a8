import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { decodeRecord, encodeRecord } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { agentOptions } from './options.ts';

const env = (more: Readonly<Record<string, string>>) => ({ NODE_NAME: 'n1', SLUICE_BACKEND: 'macvlan', ...more });

it("attaches pods in mode bridge to the node's own device unless told otherwise, and not at all with another backend", () => {
  expect(agentOptions(env({})).macvlan).toEqual({ mode: 'bridge' });
  const told = env({ SLUICE_MACVLAN_MODE: 'vepa', SLUICE_MACVLAN_MASTER: 'eth1' });
  expect(agentOptions(told).macvlan).toEqual({ mode: 'vepa', master: 'eth1' });
  expect(agentOptions({ ...told, SLUICE_BACKEND: 'vxlan' }).macvlan).toBeUndefined();
});

it.each([
  [{ SLUICE_MACVLAN_MODE: 'brigde' }, "(macvlan_mode) is 'brigde', must be one of bridge, private, vepa, passthru"],
  [{ SLUICE_MACVLAN_MASTER: 'a-name-that-is-too-long' }, '(macvlan_master)'],
])('refuses %j', (wrong, message) => {
  expect(() => agentOptions(env(wrong))).toThrow(message);
});

it('keeps on record where a pod is on its segment', () => {
  const places = [{ prefix: 24, gateway: parseIp('172.30.1.1')! }, { prefix: 64 }];
  const record: EndpointRecord = {
    id: 'net.c1.eth0',
    network: 'net',
    containerId: 'c1',
    ifname: 'eth0',
    netns: '/run/netns/c1',
    namespace: 'default',
    pod: 'a',
    interface: 'slc00000000001',
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    addresses: ['172.30.1.130', 'fd00:30:1::5'].map((text) => parseIp(text)!),
    macvlan: { master: 'eth0', mode: 'bridge', places, seal: 4711 },
  };
  expect(decodeRecord(encodeRecord(record))).toEqual(record);
  const broken = encodeRecord(record).replace('"mode":"bridge"', '"mode":"other"');
  expect(() => decodeRecord(broken)).toThrow(/no valid macvlan device/);
});
