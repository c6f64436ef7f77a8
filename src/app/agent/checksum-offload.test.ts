import { afterEach, describe, expect, it, vi } from 'vitest';
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
  const offload = new ChecksumOffload({ offloads, kernel, broken: () => broken, peers: () => [], log: silentLogger });
  offload.settle(TUNNELS);
  return [state.get('vxlan.sluice'), ...offload.status.map(({ device, reason }) => `${device}: ${reason}`)];
};

describe('checksum offload of VXLAN', () => {
  afterEach(() => void vi.useRealTimers());

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

  it.each([
    // Which checksums arrive: those of the device, those of the kernel.
    [{ device: true, kernel: true }, true, 'packets with it arrive at 10.244.1.1'],
    [{ device: false, kernel: true }, false, 'packets with it do not arrive at 10.244.1.1, those without it do'],
    [{ device: false, kernel: false }, true, 'kernel 6.1.0 has no known fault'],
  ])('is judged by packets: %j', async (arrives, after, reason) => {
    let on = true;
    const asked: string[] = [];
    const offload = new ChecksumOffload({
      offloads: { txChecksum: () => on, setTxChecksum: (_, wanted) => void (on = wanted) },
      kernel: '6.1.0',
      probe: {
        isAnswered: (to, checksum) => {
          asked.push(checksum);
          return Promise.resolve(arrives[checksum]);
        },
      },
      broken: () => undefined,
      peers: () => [parseIp('10.244.1.1')!],
      log: silentLogger,
    });
    vi.useFakeTimers();
    offload.settle(TUNNELS);
    await vi.advanceTimersByTimeAsync(1000);
    expect(offload.status).toEqual([{ device: 'vxlan.sluice', txChecksum: after, reason }]);
    expect(on).toBe(after);
    // Who has found something looks again after a minute, where there is still something to be found.
    const before = asked.length;
    offload.settle(TUNNELS);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.length).toBe(before);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked.length > before, on]).toEqual([after, after]);
    offload.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
