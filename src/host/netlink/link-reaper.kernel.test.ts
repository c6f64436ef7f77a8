import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { openNetlink } from './kernel.ts';
import { openLinkReaper } from './link-reaper.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-reaper-'));
const [node, pod] = [join(directory, 'node'), join(directory, 'pod')] as const;

beforeAll(() => {
  createNetns(node);
  createNetns(pod);
});
afterAll(() => {
  deleteNetns(node);
  deleteNetns(pod);
  rmSync(directory, { recursive: true, force: true });
});

function addPairs(names: readonly string[]): void {
  using netlink = openNetlink({ netns: node });
  netlink.apply(
    names.map((name) => ({
      kind: 'add-link',
      link: { type: 'veth', name, up: true, peer: { name: `p-${name}`, netns: pod } },
    })),
  );
}

describe('the link reaper', () => {
  it('leaves nothing of what it deleted, on either side, and nothing else', async () => {
    using reaper = openLinkReaper({ netns: node });
    using netlink = openNetlink({ netns: node });
    using inside = openNetlink({ netns: pod });
    const names = Array.from({ length: 12 }, (_, i) => `slc${i}`);
    addPairs([...names, 'kept']);
    await Promise.all(names.map((name) => reaper.delete(name)));
    expect(netlink.links({ kind: 'veth' }).map(({ name }) => name)).toEqual(['kept']);
    expect(inside.links({ kind: 'veth' }).map(({ name }) => name)).toEqual(['p-kept']);
  });

  it('does nothing for a link that is not there, and lets a name be used again at once', async () => {
    using reaper = openLinkReaper({ netns: node });
    await reaper.delete('absent');
    for (let i = 0; i < 5; i++) {
      addPairs(['again']);
      await reaper.delete('again');
    }
    using netlink = openNetlink({ netns: node });
    expect(netlink.link('again')).toBeUndefined();
  });

  it('rejects for a link that the kernel does not let go', async () => {
    using reaper = openLinkReaper({ netns: node });
    await expect(reaper.delete('lo')).rejects.toMatchObject({ code: expect.any(String) });
  });
});
