import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { PATH_MTU, echoContract } from './echo-contract.ts';
import { openEchoes } from './echo.ts';
import { narrowPath } from './narrow-path.test-support.ts';

const directory = enterPrivateNetwork();
const makePath = (router: 'tells' | 'silent') => narrowPath(mkdtempSync(join(directory!, 'path-')), PATH_MTU, router);

echoContract('echo requests of the kernel', (router) => openEchoes({ netns: makePath(router) }));

it.each(['10.1.0.2', 'fd01::2'])(
  'make the kernel learn of the path to %s, which netlink shows as learnt',
  async (text) => {
    const netns = makePath('tells');
    const peer = parseIp(text)!;
    using echoes = openEchoes({ netns });
    using netlink = openNetlink({ netns });
    expect(netlink.routeTo(peer)).not.toHaveProperty('mtu');
    expect(await echoes.echo(peer, 1500, 20_000)).toEqual({ limit: PATH_MTU });
    expect(netlink.routeTo(peer)).toMatchObject({ mtu: PATH_MTU, mtuLearnt: true });
  },
);
