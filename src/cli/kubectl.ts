import { spawn } from 'node:child_process';
import { SluiceError } from '../base/errors.ts';

/** What a run of kubectl came to. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The user's own kubectl, bound to one cluster. */
export type Kubectl = (
  args: readonly string[],
  options?: { readonly stdin?: string; readonly timeoutMs?: number },
) => Promise<KubectlResult>;

/** A kubectl that talks to the cluster of `kubeconfig`. Throws `no-kubectl` when there is none on the PATH. */
export function kubectlFor(kubeconfig: string, env: Readonly<Record<string, string | undefined>>): Kubectl {
  return (args, { stdin, timeoutMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn('kubectl', args, {
        env: { ...env, KUBECONFIG: kubeconfig },
        stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      let stdout = '';
      let stderr = '';
      child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.stdin?.on('error', () => undefined).end(stdin);
      child.on('error', (error) => {
        const message =
          'cannot run kubectl: install it (https://kubernetes.io/docs/tasks/tools) and put it on the PATH';
        reject(new SluiceError('no-kubectl', message, {}, error));
      });
      child.on('close', (code, signal) => {
        if (signal !== null) stderr += `kubectl was ended by ${signal} after ${timeoutMs} ms\n`;
        resolve({ code: code ?? 1, stdout, stderr });
      });
    });
}
