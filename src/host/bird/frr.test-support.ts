import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './network.test-support.ts';
import type { Machine } from './network.test-support.ts';

/** An FRR on a machine: what stands for the router at the top of a rack. */
export interface Frr {
  /** The answer to a command of vtysh. */
  readonly ask: (command: string) => string;
  /** Ends its bgpd without a word, or starts it again; what it had told the kernel stays. */
  readonly killBgp: () => Promise<void>;
  readonly startBgp: () => Promise<void>;
}

/** Starts zebra, bfdd and bgpd with one configuration. They end with the machine. */
export async function startFrr(machine: Machine, config: string): Promise<Frr> {
  const { folder } = machine;
  // FRR's daemons give up root for a user of their own.
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'frr'], { encoding: 'utf8' }).stdout));
  const file = join(folder, 'frr.conf');
  writeFileSync(file, config);
  for (const path of [folder, file]) chownSync(path, uid!, gid!);
  const ask = (command: string): string => machine.run('vtysh', '--vty_socket', folder, '-c', command);
  const daemon = async (name: string): Promise<ChildProcess> => {
    const sockets = ['--vty_socket', folder, '-z', join(folder, 'zserv.api'), '-i', join(folder, `${name}.pid`)];
    const child = machine.start(`/usr/lib/frr/${name}`, '-u', 'frr', '-g', 'frr', '-f', file, ...sockets);
    await eventually(`${name} answers`, () => {
      try {
        return machine.run('vtysh', '--vty_socket', folder, '-d', name, '-c', 'show version').includes('FRRouting');
      } catch {
        return false;
      }
    });
    return child;
  };
  await daemon('zebra');
  await daemon('bfdd');
  let bgp = await daemon('bgpd');
  return {
    ask,
    killBgp: async () => {
      const ended = new Promise((resolve) => bgp.once('exit', resolve));
      bgp.kill('SIGKILL');
      await ended;
    },
    startBgp: async () => {
      bgp = await daemon('bgpd');
    },
  };
}
