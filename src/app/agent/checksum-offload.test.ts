import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { OwnTunnel } from '../../core/routing/index.ts';
import { ChecksumOffload } from './checksum-offload.ts';

const TUNNELS: readonly OwnTunnel[] = [
  {
    link: {
      kind: 'vxlan',
      name: 'vxlan.sluice',
      mac: '02:00:00:00:00:01',
      mtu: 1450,
      vni: 4096,
      port: 4789,
      local: parseIp('192.0.2.1')!,
    },
    addresses: [],
  },
  { link: { kind: 'ipip', name: 'ipip.sluice', mtu: 1480, local: parseIp('192.0.2.1')! }, addresses: [] },
];

const settled = (kernel: string, broken: boolean | undefined, before: boolean) => {
  const state = new Map([['vxlan.sluice', before]]);
  const offloads = {
    txChecksum: (device: string) => state.get(device)!,
    setTxChecksum: (device: string, on: boolean) => void state.set(device, on),
  };
  const offload = new ChecksumOffload({ offloads, kernel, broken: () => broken, log: silentLogger });
  offload.settle(TUNNELS);
  return [state.get('vxlan.sluice'), ...offload.status.map(({ device, reason }) => `${device}: ${reason}`)];
};

describe('checksum offload of VXLAN', () => {
  it.each([
    ['5.6.19', undefined, true, false, 'kernel 5.6.19 is older than 5.7'],
    ['4.19.0-27-amd64', undefined, true, false, 'kernel 4.19.0-27-amd64 is older than 5.7'],
    ['5.7.0', undefined, true, true, 'kernel 5.7.0 has no known fault'],
    ['6.1.0-18-cloud', undefined, true, true, 'kernel 6.1.0-18-cloud has no known fault'],
    // Whoever switched it off may have had a reason.
    ['6.1.0-18-cloud', undefined, false, false, 'kernel 6.1.0-18-cloud has no known fault'],
    ['6.1.0-18-cloud', true, true, false, 'featureDetectOverride: ChecksumOffloadBroken=true'],
    ['4.19.0', false, false, true, 'featureDetectOverride: ChecksumOffloadBroken=false'],
    ['unknown', undefined, true, false, 'kernel unknown is older than 5.7'],
  ])('on kernel %s, broken %s by configuration, goes from %s to %s', (kernel, broken, before, after, reason) => {
    expect(settled(kernel, broken, before)).toEqual([after, `vxlan.sluice: ${reason}`]);
  });
});
