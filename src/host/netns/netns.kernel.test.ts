import { execFileSync } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openNetlink } from '../netlink/kernel.ts';
import { openSysctl } from '../sysctl/sysctl.ts';
import { CURRENT_NETNS, createNetns, deleteNetns, inNetns, netnsId } from './netns.ts';
import { enterPrivateNetwork } from './testing.ts';

const directory = enterPrivateNetwork();
const pathOf = (name: string): string => join(directory!, 'below', name);

describe.skipIf(directory === undefined)('network namespaces', () => {
  it('are created empty, entered, and left again', () => {
    const path = pathOf('a');
    createNetns(path);
    const home = netnsId(CURRENT_NETNS);
    expect(netnsId(path)).not.toBe(home);
    expect(inNetns(path, () => netnsId(CURRENT_NETNS))).toBe(netnsId(path));
    expect(netnsId(CURRENT_NETNS)).toBe(home);
    using netlink = openNetlink({ netns: path });
    expect(netlink.links().map(({ name, up }) => `${name} ${up}`)).toEqual(['lo false']);
    deleteNetns(path);
  });

  it('are left again when the section throws', () => {
    const path = pathOf('b');
    createNetns(path);
    const home = netnsId(CURRENT_NETNS);
    expect(() =>
      inNetns(path, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(netnsId(CURRENT_NETNS)).toBe(home);
    deleteNetns(path);
  });

  it('refuse a section that is not synchronous', () => {
    const path = pathOf('c');
    createNetns(path);
    expect(() => inNetns(path, () => Promise.resolve())).toThrow('must be synchronous');
    deleteNetns(path);
  });

  it('give children and sockets opened inside their network, and asynchronous file work the outer one', async () => {
    const path = pathOf('d');
    createNetns(path);
    const inside = inNetns(path, () => readlinkSync(CURRENT_NETNS));
    expect(inNetns(path, () => execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' })).trim()).toBe(
      inside,
    );
    const started = inNetns(path, () => ({ work: Array.from({ length: 16 }, () => readlink(CURRENT_NETNS)) }));
    for (const where of await Promise.all(started.work)) expect(where).not.toBe(inside);
    using netlink = inNetns(path, () => openNetlink());
    netlink.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'only-inside' } }]);
    using outside = openNetlink();
    expect(outside.link('only-inside')).toBeUndefined();
    deleteNetns(path);
  });

  it('are not created over something that exists, and leave nothing when creation fails', () => {
    const path = pathOf('e');
    createNetns(path);
    expect(() => createNetns(path)).toThrow(expect.objectContaining({ code: 'exists' }));
    expect(netnsId(path)).toBeDefined();
    deleteNetns(path);
    expect(existsSync(path)).toBe(false);
    deleteNetns(path);
  });

  it('say which namespace is missing', () => {
    expect(() => inNetns('/nowhere/netns', () => 1)).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(netnsId('/nowhere/netns')).toBeUndefined();
  });

  it('have kernel parameters of their own', () => {
    const path = pathOf('f');
    createNetns(path);
    const sysctl = openSysctl({ netns: path });
    sysctl.write('net/ipv4/ip_forward', 1);
    expect(sysctl.read('net/ipv4/ip_forward')).toBe('1');
    expect(openSysctl().read('net/ipv4/ip_forward')).toBe('0');
    expect(sysctl.read('net/ipv4/none')).toBeUndefined();
    expect(() => sysctl.write('net/ipv4/none', 1)).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(() => sysctl.write('net/ipv4/ip_forward', 'maybe')).toThrow(expect.objectContaining({ code: 'invalid' }));
    deleteNetns(path);
  });

  it('take interface names with dots in their parameters', () => {
    using netlink = openNetlink();
    netlink.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'br.with.dots' } }]);
    openSysctl().write('net/ipv4/conf/br.with.dots/rp_filter', 2);
    expect(openSysctl().read('net/ipv4/conf/br.with.dots/rp_filter')).toBe('2');
  });
});
