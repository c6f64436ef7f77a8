import { parseIp } from '../../base/ip/index.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openNetlink } from './kernel.ts';
import type { NewLink } from './port.ts';

/** Kinds of link that not every kernel has. The one of the test machine (`scripts/vm.ts`) has them all. */
export type RareLink = 'ipip' | 'wireguard';

const TRIALS: Readonly<Record<RareLink, NewLink>> = {
  ipip: { type: 'ipip', name: 'trial', ipip: { local: parseIp('127.0.0.1')! } },
  wireguard: { type: 'wireguard', name: 'trial' },
};

/** Whether this kernel makes such links, tried in a network namespace of its own; false where none can be made. */
export function kernelMakes(kind: RareLink): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'slc-trial-'));
  const path = join(folder, 'netns');
  try {
    createNetns(path);
  } catch {
    rmSync(folder, { recursive: true });
    return false;
  }
  try {
    using netlink = openNetlink({ netns: path });
    return netlink.attempt([{ kind: 'add-link', link: TRIALS[kind] }])[0] === undefined;
  } finally {
    deleteNetns(path);
    rmSync(folder, { recursive: true });
  }
}
