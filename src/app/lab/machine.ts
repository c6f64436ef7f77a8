import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LabBackend } from './lab-types.ts';
import type { PathEnvironment } from './paths.ts';

/** Where distributions put administrators' programs, which an ordinary user's PATH may lack. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Programs that the lab starts, with the Debian package that has them. */
const NEEDED: readonly (readonly [program: string, debianPackage: string])[] = [
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['busybox', 'busybox-static'],
];

/** Programs that only one backend needs. */
const NEEDED_BY_BACKEND: Readonly<Partial<Record<LabBackend, (typeof NEEDED)[number]>>> = {
  none: ['bird', 'bird2'],
  ovs: ['ovs-vswitchd', 'openvswitch-switch'],
};

/** Directories in which distributions install the reference CNI plugins. */
const PLUGIN_DIRECTORIES = ['/usr/lib/cni', '/usr/libexec/cni'];

/** What keeps this machine from running the lab, each with what to do about it; empty when nothing does. */
export function findMachineProblems({ env, uid }: PathEnvironment, backend: LabBackend): readonly string[] {
  if (process.platform !== 'linux') return [`it runs ${process.platform}, and the lab needs a Linux kernel`];
  const special = NEEDED_BY_BACKEND[backend];
  const missing = [...NEEDED, ...(special === undefined ? [] : [special])]
    .filter(([program]) => which(program, env) === undefined)
    .map(([program, debianPackage]) => `the program "${program}" is missing: install the package ${debianPackage}`);
  if (missing.length > 0) return missing;
  const user = uid === 0 ? [] : ['--user', '--map-root-user'];
  const trial = spawnSync('unshare', [...user, '--net', '--mount', '--pid', '--fork', 'true'], {
    encoding: 'utf8',
    env: { PATH: SYSTEM_PATH },
  });
  if (trial.status === 0) return [];
  const reason = trial.stderr.trim() || trial.error?.message || `exit code ${trial.status}`;
  return [
    uid === 0
      ? `it does not allow new namespaces (${reason}): inside a container, run it with --privileged`
      : `it does not allow user namespaces (${reason}): check sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, or run as root`,
  ];
}

/** The host's programs that go into the universe. */
export function findPrograms(
  { env }: Pick<PathEnvironment, 'env'>,
  repository: string,
): {
  readonly busybox: { readonly path: string; readonly applets: readonly string[] };
  readonly pluginSources: readonly string[];
} {
  const path = which('busybox', env) ?? '/bin/busybox';
  const { stdout } = spawnSync(path, ['--list'], { encoding: 'utf8' });
  return {
    busybox: { path, applets: stdout.split('\n').filter((name) => name !== '') },
    // Sluice's own plugin first: where it is linked already, installing it copies nothing.
    pluginSources: [join(repository, 'build/cni'), ...PLUGIN_DIRECTORIES].filter(existsSync),
  };
}

function which(program: string, env: PathEnvironment['env']): string | undefined {
  return `${SYSTEM_PATH}:${env['PATH'] ?? ''}`
    .split(':')
    .map((directory) => join(directory, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
