import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.ts';
import { missingFeatures } from './features.ts';
import type { Missing } from './features.ts';

/** The namespaces that a lab and its nodes are made of. */
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--uts', '--ipc', '--mount-proc'] as const;
const TIMEOUT_MS = 60_000;

/** Settings that keep an ordinary user from making namespaces, and the value that does so. */
const LOCKS: readonly { readonly file: string; readonly closed: string; readonly remedy: string }[] = [
  {
    file: '/proc/sys/user/max_user_namespaces',
    closed: '0',
    remedy: 'sysctl user.max_user_namespaces=15000',
  },
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    closed: '0',
    remedy: 'sysctl kernel.unprivileged_userns_clone=1',
  },
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    closed: '1',
    remedy: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/**
 * What keeps this machine from running a lab: empty when nothing does. Tries everything for real, in namespaces of a
 * child process, so that nothing of it stays. `uid` is that of the user; anyone but root needs user namespaces. Of what only
 * some backends need, that of `backend` counts.
 */
export async function preflight(
  machine: { readonly platform: string; readonly uid: number; readonly backend?: string },
  signal?: AbortSignal,
): Promise<readonly Missing[]> {
  if (machine.platform !== 'linux')
    return [
      {
        feature: 'Linux',
        options: [],
        reason: `a cluster on one machine needs Linux, and this is ${machine.platform}`,
      },
    ];
  const user = machine.uid === 0 ? [] : ['--user', '--map-root-user'];
  const child = [process.execPath, fileURLToPath(import.meta.url), machine.backend ?? ''];
  const { failure, output, complaint } = await run('unshare', [...user, ...NAMESPACES, ...child], signal);
  signal?.throwIfAborted();
  if (failure === undefined) return JSON.parse(output) as Missing[];
  if ((failure as NodeJS.ErrnoException).code === 'ENOENT')
    return [{ feature: 'the command unshare', options: ['package util-linux'], reason: 'it is not on the PATH' }];
  return [{ feature: 'namespaces', options: lockedBy(machine.uid), reason: complaint.trim() || messageOf(failure) }];
}

/** What an administrator can change so that this user may make namespaces. */
function lockedBy(uid: number): string[] {
  const locks = LOCKS.filter(({ file, closed }) => readOr(file) === closed).map(({ remedy }) => remedy);
  if (locks.length > 0) return locks;
  return uid === 0
    ? ['CONFIG_NET_NS', 'CONFIG_PID_NS', 'the capability CAP_SYS_ADMIN (a container needs --privileged)']
    : ['CONFIG_USER_NS', 'running as root'];
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly failure: Error | undefined; readonly output: string; readonly complaint: string }> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
    execFile(command, [...args], options, (error, output, complaint) =>
      resolve({ failure: error ?? undefined, output, complaint }),
    );
  });
}

if (import.meta.main) process.stdout.write(JSON.stringify(missingFeatures(process.argv[2] ?? '')));
