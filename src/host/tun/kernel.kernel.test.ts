import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hostCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns, deleteNetns, inNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { userTunnelsContract } from './contract.ts';
import { openUserTunnels } from './kernel.ts';
import type { UserTunnel, UserTunnels } from './port.ts';

const directory = enterPrivateNetwork();
const DEVICE = 'tun.sluice';
const MTU = 1500 - 48;
const BYTES = 8_000_000;
/** Far beyond what it takes. */
const SOON = { timeout: 180_000 };

/** Two nodes on one link, each with a tunnel to the other and an address of each family in it. */
class Pair implements AsyncDisposable {
  readonly #paths = [1, 2].map((n) => join(directory!, `tunnel-${n}`));
  readonly failures: string[] = [];
  readonly tunnels: UserTunnels[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #outer: 4 | 6;

  constructor(outer: 4 | 6) {
    this.#outer = outer;
    for (const path of this.#paths) createNetns(path);
    const veth = { type: 'veth', name: 'eth0', up: true, peer: { name: 'eth0', netns: this.#paths[1]! } } as const;
    {
      using first = openNetlink({ netns: this.#paths[0]! });
      first.apply([{ kind: 'add-link', link: veth }]);
    }
    for (const n of [1, 2] as const) {
      using netlink = openNetlink({ netns: this.pathOf(n) });
      netlink.apply([
        { kind: 'set-link', link: 'lo', up: true },
        { kind: 'set-link', link: 'eth0', up: true },
        ...[outerOf(n, 4), outerOf(n, 6), parseIp('192.0.2.22')!].map((ip) => {
          const address = { link: 'eth0', address: { ip, prefix: ip.family === 4 ? 24 : 64 } };
          return { kind: 'add-address', address } as const;
        }),
      ]);
      this.tunnels.push(this.open(n));
      this.set(n);
      this.wire(n);
    }
  }

  pathOf(n: 1 | 2): string {
    return this.#paths[n - 1]!;
  }

  open(n: 1 | 2): UserTunnels {
    return inNetns(this.pathOf(n), () => openUserTunnels((reason) => void this.failures.push(reason)));
  }

  set(n: 1 | 2, change: Partial<UserTunnel> = {}): void {
    const peers = [{ mac: macOf(other(n)), remote: outerOf(other(n), this.#outer) }];
    const tunnel = { name: DEVICE, mac: macOf(n), local: outerOf(n, this.#outer), port: 8285, peers, ...change };
    inNetns(this.pathOf(n), () => this.tunnels[n - 1]!.set(tunnel));
  }

  /** What netlink does for a tunnel: addresses, next hop, route. */
  wire(n: 1 | 2): void {
    using netlink = openNetlink({ netns: this.pathOf(n) });
    netlink.apply([
      { kind: 'set-link', link: DEVICE, mac: macOf(n), mtu: MTU, up: true },
      ...([4, 6] as const).flatMap(
        (family) =>
          [
            { kind: 'add-address', address: { link: DEVICE, address: hostCidr(innerOf(n, family)) } },
            {
              kind: 'replace-neighbour',
              neighbour: { link: DEVICE, ip: innerOf(other(n), family), mac: macOf(other(n)) },
            },
            { kind: 'replace-route', route: { destination: hostCidr(innerOf(other(n), family)), link: DEVICE } },
          ] as const,
      ),
    ]);
  }

  ping(family: 4 | 6, ...options: readonly string[]): boolean {
    const target = family === 4 ? '10.9.2.1' : 'fd09::2:1';
    try {
      inNetns(this.pathOf(1), () =>
        execFileSync('ping', ['-c1', '-W1', ...options, target], { stdio: ['ignore', 'ignore', 'ignore'] }),
      );
      return true;
    } catch {
      return false;
    }
  }

  /** A thread that has just been started may take a while on a busy machine. */
  async reaches(family: 4 | 6, ...options: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.ping(family, ...options)).toBe(true), SOON);
  }

  /** Starts sending {@link BYTES} bytes from the first node to the second; resolves to what both ends saw. */
  async transfer(family: 4 | 6): Promise<{ readonly sent: Promise<string>; readonly got: Promise<string> }> {
    const target = family === 4 ? '10.9.2.1' : 'fd09::2:1';
    const server = this.#node(2, SERVER, target);
    await once(server.stdout!, 'data');
    const got = outputOf(server);
    return { sent: outputOf(this.#node(1, CLIENT, target)), got };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const each of this.tunnels) await each[Symbol.asyncDispose]();
    for (const path of this.#paths) deleteNetns(path);
  }

  #node(n: 1 | 2, script: string, target: string): ChildProcess {
    const args = ['-e', script, target, String(BYTES)];
    const child = inNetns(this.pathOf(n), () =>
      spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    this.#children.push(child);
    return child;
  }
}

const SERVER = `
  const hash = require('node:crypto').createHash('sha256');
  const server = require('node:net').createServer((socket) => {
    socket.on('data', (chunk) => hash.update(chunk));
    socket.on('end', () => { console.log(hash.digest('hex')); socket.end(); server.close(); });
  });
  server.listen(7000, process.argv[1], () => console.log('listening'));
`;
const CLIENT = `
  const bytes = Buffer.alloc(Number(process.argv[2]));
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 13;
  console.log(require('node:crypto').createHash('sha256').update(bytes).digest('hex'));
  const socket = require('node:net').connect(7000, process.argv[1], () => socket.end(bytes));
  socket.resume();
`;

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (chunk) => (text += String(chunk)));
  await once(child, 'close');
  return text.trim();
}

function other(n: 1 | 2): 1 | 2 {
  return n === 1 ? 2 : 1;
}

function macOf(n: number): string {
  return `02:00:00:00:09:0${n}`;
}

function outerOf(n: number, family: 4 | 6): Ip {
  return parseIp(family === 4 ? `192.0.2.${n}` : `2001:db8::${n}`)!;
}

function innerOf(n: number, family: 4 | 6): Ip {
  return parseIp(family === 4 ? `10.9.${n}.1` : `fd09::${n}:1`)!;
}

describe.skipIf(directory === undefined)('tunnels in user space', () => {
  userTunnelsContract('kernel user tunnels', () => {
    using netlink = openNetlink();
    netlink.apply([{ kind: 'replace-address', address: { link: 'lo', address: parseCidr('127.0.0.1/8')! } }]);
    return { tunnels: openUserTunnels(() => undefined), netlink: openNetlink() };
  });

  it.each([
    { outer: 4, inner: 4 },
    { outer: 4, inner: 6 },
    { outer: 6, inner: 4 },
    { outer: 6, inner: 6 },
  ] as const)('carry a stream byte for byte: IPv$inner over IPv$outer', async ({ outer, inner }) => {
    await using pair = new Pair(outer);
    const { sent, got } = await pair.transfer(inner);
    expect(await got).toBe(await sent);
    const [from, to] = pair.tunnels.map((each) => each.status()!);
    // In packets of many segments each: whatever the machine is busy with, some come together.
    expect(from!.bytesOut / from!.packetsOut).toBeGreaterThan(MTU);
    expect(to!.bytesIn / to!.packetsIn).toBeGreaterThan(MTU);
    expect([from!.refusedBySocket, to!.refusedByDevice, to!.strangers]).toEqual([0, 0, 0]);
  });

  it('carry packets as large as the device says, and the kernel refuses one more byte', async () => {
    await using pair = new Pair(4);
    await pair.reaches(4, '-M', 'do', '-s', String(MTU - 28));
    expect(pair.ping(4, '-M', 'do', '-s', String(MTU - 27))).toBe(false);
    // In fragments, it does.
    await pair.reaches(4, '-s', '9000');
  });

  it('carry a stream in fragments where the path is narrower than was believed', async () => {
    await using pair = new Pair(4);
    for (const n of [1, 2] as const) {
      using netlink = openNetlink({ netns: pair.pathOf(n) });
      netlink.apply([{ kind: 'set-link', link: 'eth0', mtu: 1300 }]);
    }
    const { sent, got } = await pair.transfer(4);
    expect(await got).toBe(await sent);
    expect(pair.tunnels[0]!.status()!.refusedBySocket).toBe(0);
  });

  it('reach a peer where it is now, and hear nobody else', async () => {
    await using pair = new Pair(4);
    const moved = parseIp('192.0.2.22')!;
    {
      using netlink = openNetlink({ netns: pair.pathOf(1) });
      netlink.apply([{ kind: 'delete-address', address: { link: 'eth0', address: { ip: moved, prefix: 24 } } }]);
    }
    await pair.reaches(4);
    pair.set(2, { local: moved });
    expect(pair.ping(4)).toBe(false);
    pair.set(1, { peers: [{ mac: macOf(2), remote: moved }] });
    await pair.reaches(4);
    pair.set(2, { local: moved, peers: [{ mac: macOf(1), remote: parseIp('192.0.2.99')! }] });
    const before = pair.tunnels[1]!.status()!;
    expect(pair.ping(4)).toBe(false);
    const after = pair.tunnels[1]!.status()!;
    expect(after.strangers).toBeGreaterThan(before.strangers);
    expect(after.packetsIn).toBe(before.packetsIn);
  });

  it('let connections live through a change of whoever carries them', async () => {
    await using pair = new Pair(4);
    const { sent, got } = await pair.transfer(4);
    await vi.waitFor(() => expect(pair.tunnels[0]!.status()!.packetsOut).toBeGreaterThan(10), SOON);
    await pair.tunnels[0]![Symbol.asyncDispose]();
    pair.tunnels[0] = pair.open(1);
    pair.set(1);
    expect(await got).toBe(await sent);
  });

  it('say that the device was taken away, and make another', async () => {
    await using pair = new Pair(4);
    using netlink = openNetlink({ netns: pair.pathOf(1) });
    netlink.apply([{ kind: 'delete-link', link: DEVICE }]);
    await vi.waitFor(() => expect(pair.failures).toEqual([expect.stringContaining(DEVICE)]), SOON);
    expect(pair.tunnels[0]!.status()).toBeUndefined();
    pair.set(1);
    pair.wire(1);
    await pair.reaches(4);
  });
});
