import { CNI_ERROR, CniError } from '../../core/cni/errors.ts';
import { parseArgs } from '../../core/cni/args.ts';
import type { CniCommand } from '../../core/cni/types.ts';

/** The parameters that the runtime passes in the environment (CNI specification 1.1.0, §2), validated. */
export interface CniEnvironment {
  readonly command: CniCommand;
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string;
  readonly path: string;
}

type Parameter = 'CNI_CONTAINERID' | 'CNI_NETNS' | 'CNI_IFNAME';

/** What each command cannot do without; anything else is optional. */
const REQUIRED: Readonly<Record<CniCommand, readonly Parameter[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
};

/** Reads and checks the environment; throws one {@link CniError} (code 4) with all that is wrong. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): CniEnvironment {
  const command = env['CNI_COMMAND'] ?? '';
  if (command === '') throw invalid(['CNI_COMMAND is not set']);
  if (!isCommand(command))
    throw invalid([`CNI_COMMAND is ${JSON.stringify(command)}: expected ${Object.keys(REQUIRED).join(', ')}`]);
  const problems = REQUIRED[command].filter((name) => !env[name]).map((name) => `${name} is not set`);
  const containerId = env['CNI_CONTAINERID'] ?? '';
  const ifname = env['CNI_IFNAME'] ?? '';
  if (containerId !== '' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(containerId))
    problems.push(
      `CNI_CONTAINERID ${JSON.stringify(containerId)} must begin with a letter or digit and use only letters, digits, _ . -`,
    );
  if (ifname !== '') problems.push(...interfaceNameProblems(ifname));
  if (problems.length > 0) throw invalid(problems);
  const args = env['CNI_ARGS'] ?? '';
  parseArgs(args);
  return { command, containerId, netns: env['CNI_NETNS'] ?? '', ifname, args, path: env['CNI_PATH'] ?? '' };
}

/** The kernel's rules for interface names (dev_valid_name() in net/core/dev.c). */
function interfaceNameProblems(name: string): readonly string[] {
  const shown = `CNI_IFNAME ${JSON.stringify(name)}`;
  if (name.length > 15) return [`${shown} is longer than 15 characters`];
  if (name === '.' || name === '..') return [`${shown} is not an interface name`];
  return /[/:\s]/.test(name) ? [`${shown} must not contain '/', ':' or white space`] : [];
}

function isCommand(text: string): text is CniCommand {
  return Object.hasOwn(REQUIRED, text);
}

function invalid(problems: readonly string[]): CniError {
  return new CniError(CNI_ERROR.invalidEnvironment, `invalid environment: ${problems.join('; ')}`);
}
