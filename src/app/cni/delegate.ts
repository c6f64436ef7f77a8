import { delegatedIpam, withAnyCidrs, withPodCidrs } from '../../core/cni/delegated-ipam.ts';
import { CNI_ERROR, CniError } from '../../core/cni/errors.ts';
import type { CniRequest } from '../../core/cni/protocol.ts';

type Config = Readonly<Record<string, unknown>>;
type Command = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS';

/** How an IPAM plugin has ended. */
interface IpamOutcome {
  readonly exitCode: number;
  readonly stdout: string;
}

/** Runs an IPAM plugin that is found in `path`, with the environment of this call but for the command. */
export type RunIpam = (type: string, path: string, command: Command, stdin: string) => IpamOutcome;

/** How addresses are got and given back. */
export interface Delegate {
  readonly add: (podCidrs: readonly string[]) => Config;
  /** Has the other plugin do its part of what neither gets nor gives back an address by name. */
  readonly forward: (command: 'CHECK' | 'GC' | 'STATUS', podCidrs: readonly string[]) => void;
  readonly del: () => void;
}

/** The IPAM plugin that the request's configuration names; undefined where the agent gives addresses out. */
export function delegateOf({ config, path }: CniRequest, runIpam: RunIpam): Delegate | undefined {
  const type = delegatedIpam(config);
  if (type === undefined) return undefined;
  const run = (command: Command, filled: Config): string => {
    const { exitCode, stdout } = runIpam(type, path, command, JSON.stringify(filled));
    if (exitCode === 0) return stdout;
    throw failure(type, command, exitCode, stdout);
  };
  const del = (): void => void run('DEL', withAnyCidrs(config));
  return {
    add: (podCidrs) => {
      const filled = withPodCidrs(config, podCidrs);
      try {
        return JSON.parse(run('ADD', filled)) as Config;
      } catch (error) {
        quietly(del);
        throw error;
      }
    },
    forward: (command, podCidrs) => void run(command, withPodCidrs(config, podCidrs)),
    del,
  };
}

/** What failed is told; that cleaning up after it failed as well is not. */
function quietly(task: () => void): void {
  try {
    task();
  } catch {
    // The runtime's DEL tries again.
  }
}

/** The plugin's own error, if it printed one as the specification says. */
function failure(type: string, command: Command, exitCode: number, stdout: string): CniError {
  try {
    const { msg, details } = JSON.parse(stdout) as { readonly msg: string; readonly details?: string };
    return new CniError(CNI_ERROR.tryAgainLater, `ipam ${type} ${command}: ${msg}`, details ?? '');
  } catch {
    return new CniError(CNI_ERROR.tryAgainLater, `ipam ${type} ${command}: it ended with exit code ${exitCode}`);
  }
}
