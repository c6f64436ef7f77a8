import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cpioArchive } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';
import type { TestKernel } from './kernel.ts';

/** What the machine needs to reach the host's files; everything else is loaded from there. */
const BOOT_MODULES = ['virtio_pci', 'virtiofs', 'overlay'];

/** What runs in the machine. */
export interface MachineCommand {
  /** A script for /bin/sh. */
  readonly script: string;
  /** Where it starts: the checkout. */
  readonly checkout: string;
}

/** The machine's first root file system: busybox, three modules with what they need, the scripts and the command. */
export function initramfs(kernel: TestKernel, { script, checkout }: MachineCommand): Uint8Array {
  const modules = loadOrder(readFileSync(join(kernel.modules, 'modules.dep'), 'utf8'), BOOT_MODULES);
  const settings = Object.entries({
    release: kernel.release,
    checkout,
    modules: kernel.modules,
    boot_modules: modules.map((path) => basename(path)).join(' '),
  });
  return cpioArchive([
    { path: 'bin', type: 'folder', mode: 0o755 },
    { path: 'modules', type: 'folder', mode: 0o755 },
    file('bin/busybox', readFileSync('/bin/busybox')),
    file('init', readFileSync(join(import.meta.dirname, 'init.sh'))),
    file('run.sh', readFileSync(join(import.meta.dirname, 'run.sh'))),
    file('command', script),
    file('settings', settings.map(([name, value]) => `${name}=${quote(value)}\n`).join('')),
    ...modules.map((path) => file(`modules/${basename(path)}`, readFileSync(join(kernel.modules, path)))),
  ]);
}

/** `text` as one word for sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The modules and all that they need, each after what it needs, as `modules.dep` names their files. */
function loadOrder(dependencies: string, wanted: readonly string[]): readonly string[] {
  const needs = new Map<string, readonly string[]>();
  const paths = new Map<string, string>();
  for (const line of dependencies.split('\n')) {
    const [path = '', rest = ''] = line.split(':');
    needs.set(
      path,
      rest.split(' ').filter((each) => each !== ''),
    );
    paths.set(basename(path, '.ko').replaceAll('-', '_'), path);
  }
  const order = new Set<string>();
  const visit = (path: string): void => {
    for (const need of needs.get(path) ?? []) if (!order.has(need)) visit(need);
    order.add(path);
  };
  for (const name of wanted) visit(paths.get(name)!);
  return [...order];
}

function file(path: string, data: Uint8Array | string): CpioEntry {
  return { path, type: 'file', mode: 0o755, data: typeof data === 'string' ? new TextEncoder().encode(data) : data };
}
