import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../../src/base/errors.ts';
import { initramfs } from './initramfs.ts';
import { testKernel } from './kernel.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const QEMU = '/usr/bin/qemu-system-x86_64';
/** Where Debian's qemu-system-common has it; from Debian 13 on it is a package of its own. */
const VIRTIOFSD = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'];
/** Exit code of a machine that never ran its script to the end. */
const NO_END = 125;

/** How a machine is started. */
export interface MachineOptions {
  /** A script for /bin/sh that runs in it, as root, in the checkout. */
  readonly script: string;
  /** It is switched off then, milliseconds. */
  readonly timeout: number;
  /** Hears what the script prints, as it comes. */
  readonly onOutput?: (text: string) => void;
  readonly memoryMiB?: number;
  readonly processors?: number;
}

/** What came of it. */
export interface MachineResult {
  /** The script's exit code; 125 when it never came to its end. */
  readonly code: number;
  /** Standard output and standard error together. */
  readonly output: string;
  /** What the emulator had to say, usually nothing. */
  readonly complaint: string;
  readonly timedOut: boolean;
}

/**
 * Boots a kernel that has everything ours may lack, emulated (KVM is not used: it may be missing or hang), over the
 * host's files, which it can read and not change, without any network device, and runs the script there. Whatever ends
 * the caller ends the machine. Throws `no-test-kernel` or `no-test-machine` where something is missing.
 */
export async function runInMachine(options: MachineOptions): Promise<MachineResult> {
  const virtiofsd = needed();
  const kernel = testKernel();
  const work = mkdtempSync(join(tmpdir(), 'sluice-vm-'));
  try {
    writeFileSync(join(work, 'exit'), '');
    writeFileSync(join(work, 'initramfs'), initramfs(kernel, { script: options.script, checkout: CHECKOUT }));
    return await boot(work, virtiofsd, kernel.image, options);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The path of virtiofsd, when everything is there. */
function needed(): string {
  const virtiofsd = VIRTIOFSD.find((path) => existsSync(path));
  if (process.getuid!() !== 0)
    throw new SluiceError('no-test-machine', 'the test machine needs root, to show it the host’s files');
  if (!existsSync(QEMU) || virtiofsd === undefined)
    throw new SluiceError(
      'no-test-machine',
      `the test machine needs ${QEMU} and ${VIRTIOFSD.join(' or ')}: ` +
        "'apt-get install --no-install-recommends qemu-system-x86', and virtiofsd where that is a package of its own",
    );
  return virtiofsd;
}

function boot(work: string, virtiofsd: string, image: string, options: MachineOptions): Promise<MachineResult> {
  const [command = '', ...args] = commandLine(work, virtiofsd, image, options);
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeout);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      options.onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.on('error', fail);
    child.on('close', () => {
      clearTimeout(timer);
      const told = readFileSync(join(work, 'exit'), 'utf8').trim();
      done({ code: /^\d+$/u.test(told) ? Number(told) : NO_END, output, complaint, timedOut });
    });
  });
}

function commandLine(work: string, virtiofsd: string, image: string, options: MachineOptions): readonly string[] {
  const memory = `${options.memoryMiB ?? 2048}M`;
  return [
    // All processes of the machine are in one PID namespace, whose first is killed when this process ends.
    ['setpriv', '--pdeathsig', 'KILL'],
    ['unshare', '--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child=SIGKILL', '--mount-proc'],
    ['sh', join(import.meta.dirname, 'launch.sh'), work, CHECKOUT, virtiofsd],
    [QEMU, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', String(options.processors ?? 2)],
    ['-m', memory, '-object', `memory-backend-memfd,id=memory,size=${memory},share=on`],
    ['-machine', 'q35,memory-backend=memory', '-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none'],
    ['-no-reboot', '-kernel', image, '-initrd', join(work, 'initramfs')],
    [
      '-append',
      'console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off nokaslr ' +
        // On a busy machine emulated time may stand still for so long that the kernel takes its clocks for broken.
        'no_timer_check nowatchdog tsc=nowatchdog rcupdate.rcu_cpu_stall_suppress=1',
    ],
    ['-chardev', 'stdio,id=output,signal=off', '-device', 'isa-serial,chardev=output'],
    ['-chardev', `file,id=exit,path=${join(work, 'exit')}`, '-device', 'isa-serial,chardev=exit'],
    ['-chardev', `socket,id=files,path=${join(work, 'files')}`],
    ['-device', 'vhost-user-fs-pci,queue-size=1024,chardev=files,tag=host'],
  ].flat();
}
