import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { CURRENT_NETNS, netnsId, netnsOfPid } from '../../../host/netns/netns.ts';
import { enterPrivateNetwork } from '../../../host/netns/testing.ts';
import { openNetlink } from '../../../host/netlink/kernel.ts';
import { connectNode, makeRouter } from './network.ts';
import type { NodePlace } from './topology.ts';
import { nodePlaces } from './topology.ts';

const directory = enterPrivateNetwork();

describe.skipIf(directory === undefined)('the underlay', () => {
  const running = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  /** A process in a network namespace of its own, as a node is. */
  async function startNode(): Promise<{ readonly pid: number; readonly end: () => Promise<unknown> }> {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo in; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    await once(child.stdout, 'data');
    const pid = child.pid!;
    expect(netnsId(netnsOfPid(pid))).not.toBe(netnsId(CURRENT_NETNS));
    return {
      pid,
      end: () => {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        return ended;
      },
    };
  }

  it('keeps every hardware address when nodes come, die and come back, so that nobody has to be found anew', async () => {
    makeRouter();
    using router = openNetlink();
    const [first, second] = nodePlaces(3) as [NodePlace, NodePlace];
    const macOf = (pid: number): string | undefined => {
      using inside = openNetlink({ netns: netnsOfPid(pid) });
      return inside.link('eth0')?.mac;
    };
    const bridge = router.link('seg-a')?.mac;
    const one = await startNode();
    connectNode(first, one.pid);
    const other = await startNode();
    connectNode(second, other.pid);
    const [ofOne, ofOther] = [macOf(one.pid), macOf(other.pid)];
    expect(new Set([bridge, ofOne, ofOther]).size).toBe(3);
    expect(router.link('seg-a')?.mac).toBe(bridge);

    await one.end();
    const again = await startNode();
    connectNode(first, again.pid);
    expect(macOf(again.pid)).toBe(ofOne);
    expect(router.link('seg-a')?.mac).toBe(bridge);
  });
});
