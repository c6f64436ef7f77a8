import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { openOffloads } from './ethtool.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-ethtool-'));
const netns = join(directory, 'node');

beforeAll(() => createNetns(netns));
afterAll(() => {
  deleteNetns(netns);
  rmSync(directory, { recursive: true, force: true });
});

describe('offloads', () => {
  it('of checksums can be read and switched for a VXLAN device', () => {
    using netlink = openNetlink({ netns });
    const vxlan = { vni: 4096, port: 4789, local: parseIp('127.0.0.1')! };
    netlink.apply([{ kind: 'add-link', link: { type: 'vxlan', name: 'vxlan.sluice', vxlan } }]);
    const offloads = openOffloads({ netns });
    expect(offloads.txChecksum('vxlan.sluice')).toBe(true);
    offloads.setTxChecksum('vxlan.sluice', false);
    expect(offloads.txChecksum('vxlan.sluice')).toBe(false);
    offloads.setTxChecksum('vxlan.sluice', true);
    expect(offloads.txChecksum('vxlan.sluice')).toBe(true);
  });

  it('of a device that is not there are an error that names it', () => {
    expect(() => openOffloads({ netns }).txChecksum('nothing0')).toThrow(/nothing0.*ENODEV/);
    expect(() => openOffloads({ netns }).txChecksum('a-name-that-is-too-long')).toThrow(/is not the name of a device/);
  });
});
