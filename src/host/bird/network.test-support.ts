import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCidr } from '../../base/ip/index.ts';
import { pause } from '../kube-client/pause.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns } from '../netns/netns.ts';
import { answers, unanswered } from '../probe/echo-stream.test-support.ts';
import { openBird } from './bird.ts';
import type { Bird } from './port.ts';

/** A machine of the test: a network namespace on the one segment that there is. */
export interface Machine extends AsyncDisposable {
  readonly name: string;
  readonly netns: string;
  /** Where its files are. */
  readonly folder: string;
  readonly bird: Bird;
  /** Runs a program on it and returns what it prints. */
  readonly run: (...command: readonly string[]) => string;
  /** What its BIRD answers to a command. */
  readonly birdc: (command: string) => string;
  /** Starts a program on it, which ends with the machine. */
  readonly start: (...command: readonly string[]) => ChildProcess;
  /** Routes of its kernel that BIRD put there, as `ip` prints them. */
  readonly kernelRoutes: (family?: 4 | 6) => readonly string[];
}

const BRIDGE = 'segment';

/** Makes the segment, in the present namespace. */
export function makeSegment(): void {
  using netlink = openNetlink();
  netlink.apply([{ kind: 'add-link', link: { type: 'bridge', name: BRIDGE, up: true } }]);
}

/** Puts a machine on the segment. */
export function makeMachine(directory: string, name: string, addresses: readonly string[]): Machine {
  const netns = join(directory, name);
  const folder = mkdtempSync(join(tmpdir(), `bird-${name}-`));
  createNetns(netns);
  using netlink = openNetlink();
  netlink.apply([
    { kind: 'add-link', link: { type: 'veth', name, master: BRIDGE, up: true, peer: { name: 'eth0', netns } } },
  ]);
  using inside = openNetlink({ netns });
  inside.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'set-link', link: 'eth0', up: true },
    ...addresses.map(
      (text) => ({ kind: 'add-address', address: { link: 'eth0', address: parseCidr(text)! } }) as const,
    ),
  ]);
  const enter = ['nsenter', `--net=${netns}`] as const;
  const run = (...command: readonly string[]): string =>
    execFileSync(enter[0], [enter[1], ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.eth0.accept_dad=0');
  const children: ChildProcess[] = [];
  const bird = openBird({ folder, command: [...enter, '/usr/sbin/bird'] });
  return {
    name,
    netns,
    folder,
    bird,
    run,
    birdc: (command) => run('birdc', '-s', join(folder, 'bird.ctl'), command),
    start: (...command) => {
      const child = spawn(enter[0], [enter[1], ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      return child;
    },
    kernelRoutes: (family = 4) =>
      run('ip', `-${family}`, 'route', 'show', 'proto', 'bird')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .sort(),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      await bird.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `condition` holds and returns what it found; fails with `what` after a while. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  patience = 30_000,
): Promise<T> {
  const never = new AbortController().signal;
  for (let waited = 0; waited < patience; waited += 50) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    await pause(50, never);
  }
  throw new Error(`did not happen: ${what}`);
}

/** Ends a machine's BIRD as a crash would. */
export function killBird({ folder }: Machine): void {
  process.kill(Number(readFileSync(join(folder, 'bird.pid'), 'utf8')), 'SIGKILL');
}

/** Starts to note which routes that BGP brought are taken away; the result tells them, as `ip` prints them. */
export async function withdrawalsOf(machine: Machine): Promise<() => Promise<readonly string[]>> {
  const child = machine.start('ip', 'monitor', 'route');
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  // The kernel tells changes in their order: what came before this one has been told when this one is.
  const told = (route: string): Promise<true> => {
    const known = printed.length;
    return eventually('changes are told', () => {
      machine.run('ip', 'route', 'replace', 'blackhole', route);
      machine.run('ip', 'route', 'delete', 'blackhole', route);
      return printed.slice(known).includes(route);
    });
  };
  await told('203.0.113.1');
  return async () => {
    await told('203.0.113.2');
    child.kill('SIGKILL');
    return printed.split('\n').filter((line) => /^Deleted .* proto (?:bird|bgp)/.test(line));
  };
}

/** Starts to send a hundred packets a second; the result ends that, after a few more, and tells how many had no answer. */
export function streamOf(machine: Machine, from: string, to: string): () => Promise<number> {
  const child = machine.start('ping', '-i', '0.01', '-I', from, to);
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  return async () => {
    const so = answers(printed).at(-1) ?? 0;
    await eventually('packets flow', () => (answers(printed).at(-1) ?? 0) > so + 20);
    child.kill('SIGKILL');
    return unanswered(printed, 10).length;
  };
}
