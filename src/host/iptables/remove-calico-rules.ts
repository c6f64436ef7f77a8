import { spawnSync } from 'node:child_process';
import { SluiceError } from '../../base/errors.ts';
import { withoutCalicoRules } from '../../core/migrate/index.ts';

/** Each has rules of its own in the kernel, and a node may have any of them. */
const KINDS = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'] as const;

/** What became of one kind: chains that were there, or why nobody can tell. */
export type RemovedRules =
  | { readonly kind: (typeof KINDS)[number]; readonly chains: number }
  | { readonly kind: (typeof KINDS)[number]; readonly problem: string };

/**
 * Takes what Felix has left in iptables out of this network namespace, a table at a time in one step. A kind that this
 * kernel or machine lacks is told as a problem. Throws `refused` when the kernel refuses to remove something.
 */
export function removeCalicoRules(): readonly RemovedRules[] {
  return KINDS.map((kind) => {
    const saved = run(`${kind}-save`, []);
    if (saved.problem !== undefined) return { kind, problem: saved.problem };
    const removal = withoutCalicoRules(saved.output);
    if (removal === '') return { kind, chains: 0 };
    // Others write here, too: wait for the lock of the legacy kind.
    const { problem } = run(`${kind}-restore`, ['--noflush', '--wait'], removal);
    if (problem !== undefined) throw new SluiceError('refused', `${kind} does not remove Calico's rules: ${problem}`);
    return { kind, chains: removal.split('\n').filter((line) => line.startsWith('-X ')).length };
  });
}

function run(
  command: string,
  args: readonly string[],
  input = '',
): { readonly output: string; readonly problem?: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error !== undefined) return { output: '', problem: error.message };
  return status === 0 ? { output: stdout } : { output: '', problem: stderr.trim() };
}
