import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { CniCommand } from '../../core/cni/index.ts';

/** One execution of one plugin. */
export interface PluginCall {
  readonly type: string;
  readonly command: CniCommand;
  /** CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS as far as the command has them. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly pluginDirs: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Runs a plugin executable with the configuration on stdin. Resolves to what it printed (undefined for nothing);
 * rejects with a {@link CniError} that carries the plugin's own code and message, prefixed with its name.
 */
export async function runPlugin(call: PluginCall): Promise<Record<string, unknown> | undefined> {
  const path = findPlugin(call.type, call.pluginDirs);
  const { stdout, stderr, failure } = await execute(path, call);
  if (failure === undefined) return stdout.trim() === '' ? undefined : parseOutput(call, stdout);
  throw failureOf(call, stdout, stderr, failure);
}

function findPlugin(type: string, directories: readonly string[]): string {
  for (const directory of directories) {
    const path = join(directory, type);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Looked for in the next directory.
    }
  }
  throw new CniError(
    CNI_ERROR.ioFailure,
    `CNI plugin ${JSON.stringify(type)} is not installed: it is in none of ${directories.join(', ')}`,
  );
}

interface Execution {
  readonly stdout: string;
  readonly stderr: string;
  /** Why it failed, when it did. */
  readonly failure: string | undefined;
}

function execute(path: string, call: PluginCall): Promise<Execution> {
  return new Promise((resolve) => {
    // Only these: what a plugin does must not depend on the environment of the runtime.
    const env = {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      CNI_COMMAND: call.command,
      CNI_PATH: call.pluginDirs.join(':'),
      ...call.parameters,
    };
    const child = spawn(path, [], { env, stdio: 'pipe', timeout: call.timeoutMs, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    // A plugin may answer without reading its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(call.config));
    child.on('error', (error) => resolve({ stdout, stderr, failure: messageOf(error) }));
    child.on('close', (code, signal) => {
      const killed = signal === null ? `exit code ${code}` : `killed by ${signal}`;
      const late = child.killed ? ` after ${call.timeoutMs} ms` : '';
      resolve({ stdout, stderr, failure: code === 0 ? undefined : `${killed}${late}` });
    });
  });
}

function parseOutput(call: PluginCall, stdout: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(stdout);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below, together with output that is JSON and no object.
  }
  throw new CniError(CNI_ERROR.decodingFailure, `plugin ${call.type} ${call.command}: printed no JSON object`, stdout);
}

function failureOf(call: PluginCall, stdout: string, stderr: string, failure: string): CniError {
  const what = `plugin ${call.type} ${call.command}`;
  try {
    const body = JSON.parse(stdout) as { code?: unknown; msg?: unknown; details?: unknown };
    if (typeof body.code === 'number' && typeof body.msg === 'string')
      return new CniError(body.code, `${what}: ${body.msg}`, typeof body.details === 'string' ? body.details : '');
  } catch {
    // Not the specification's form: fall back to whatever there is.
  }
  const output = [stderr, stdout].map((text) => text.trim()).find((text) => text !== '');
  return new CniError(CNI_ERROR.internal, `${what}: ${output ?? 'no output'} (${failure})`);
}
