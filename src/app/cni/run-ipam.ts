import { CNI_ERROR, CniError } from '../../core/cni/errors.ts';
import { isExecutable } from '../../host/files/is-executable.ts';
import type { RunIpam } from './delegate.ts';

/** The part of Bun's processes that is used here (bun.sh/docs/api/spawn). */
interface Bun {
  spawnSync(options: {
    cmd: readonly string[];
    env: Readonly<Record<string, string | undefined>>;
    stdin: Uint8Array;
    stderr: 'inherit';
  }): { readonly exitCode: number; readonly stdout: Uint8Array };
}

/** Runs under Bun only, as the compiled plugin does: `node:child_process` would lengthen its start. */
export const runIpam: RunIpam = (type, path, command, stdin) => {
  const program = path
    .split(':')
    .map((directory) => `${directory}/${type}`)
    .find(isExecutable);
  if (program === undefined)
    throw new CniError(CNI_ERROR.ioFailure, `ipam plugin ${JSON.stringify(type)} is in none of ${path} (CNI_PATH)`);
  const { exitCode, stdout } = (globalThis as unknown as { Bun: Bun }).Bun.spawnSync({
    cmd: [program],
    env: { ...environment(), CNI_COMMAND: command },
    stdin: new TextEncoder().encode(stdin),
    stderr: 'inherit',
  });
  return { exitCode, stdout: new TextDecoder().decode(stdout) };
};

/** The runtime's parameters and nothing else of its environment. */
function environment(): Readonly<Record<string, string | undefined>> {
  const parameters = Object.entries(process.env).filter(([name]) => name.startsWith('CNI_'));
  return { ...Object.fromEntries(parameters), PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
}
