import type { RunningLab } from '../app/lab/lab-types.ts';
import { SluiceError } from '../base/errors.ts';
import type { KubeClient } from '../host/kube-client/types.ts';
import type { Kubectl } from './kubectl.ts';

/** What the demonstration is played with. */
export interface Stage {
  readonly lab: RunningLab;
  readonly client: KubeClient;
  readonly kubectl: Kubectl;
  /** Of a file of the project, as it is shown in commands. */
  readonly path: (file: string) => string;
  /** Runs `sluice why` with these arguments about the cluster; it prints by itself. */
  readonly why: (args: readonly string[]) => Promise<number>;
  readonly print: (line: string) => void;
}

/** Prints a command and everything that it prints; what a policy denies fails, and that is part of the show. */
export async function show({ kubectl, print }: Stage, args: readonly string[]): Promise<void> {
  print(`$ kubectl ${args.map(quote).join(' ')}`);
  const { stdout, stderr } = await kubectl(args);
  const text = `${stdout}${stderr}`.trimEnd();
  if (text !== '') print(text);
}

/** Prints a question to `sluice why` and its answer. */
export async function why({ print, why: ask }: Stage, args: readonly string[]): Promise<void> {
  print(`$ sluice why ${args.map(quote).join(' ')} --name demo`);
  await ask(args);
}

/** The output of a command that is not shown. Throws `demo-failed` when it fails. */
export async function mustSucceed(kubectl: Kubectl, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args);
  if (code === 0) return stdout;
  throw new SluiceError('demo-failed', `kubectl ${args.join(' ')} failed:\n${stderr.trimEnd()}`);
}

/** A word as a shell takes it. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word}'`;
}
