import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '../../host/sqlite/memory-store.ts';
import type { DurableStore } from '../../core/objectstore/index.ts';
import { startTestApiServer } from './api-server.test-support.ts';
import type { ApiServer } from './start-api-server.ts';

/** What one run of kubectl came to. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A started API server and the real kubectl pointed at it. */
export interface TestCluster extends AsyncDisposable {
  readonly server: ApiServer;
  readonly directory: string;
  kubectl(args: readonly string[], input?: string): Promise<Run>;
  /** The output of a run that must succeed. */
  ok(args: readonly string[], input?: string): Promise<string>;
  /** A kubectl that goes on until it is stopped; `seen` resolves when its output matches. */
  background(args: readonly string[]): Background;
}

export interface Background {
  seen(pattern: RegExp): Promise<string>;
  stop(): void;
}

/** Starts a server with its own folder; `store` default in memory. */
export async function testCluster(
  options: {
    readonly store?: DurableStore;
    readonly serviceCidrs?: readonly string[];
    readonly nodePortRange?: { readonly from: number; readonly to: number };
    readonly kubeletSocket?: (node: string) => string | undefined;
  } = {},
): Promise<TestCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-kubectl-'));
  const {
    store = memoryStore(),
    kubeletSocket = () => undefined,
    serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'],
  } = options;
  const server = await startTestApiServer(
    directory,
    { serviceCidrs, ...(options.nodePortRange === undefined ? {} : { nodePortRange: options.nodePortRange }) },
    { store, kubeletSocket },
  );
  const start = (args: readonly string[]): ChildProcess =>
    spawn('kubectl', [...args], {
      env: { ...process.env, KUBECONFIG: join(directory, 'kubeconfig'), HOME: directory, KUBE_EDITOR: 'true' },
    });
  const kubectl = (args: readonly string[], input = ''): Promise<Run> => finished(start(args), input);
  return {
    server,
    directory,
    kubectl,
    ok: async (args, input) => {
      const run = await kubectl(args, input);
      if (run.code !== 0) throw new Error(`kubectl ${args.join(' ')} exited with ${run.code}: ${run.err}`);
      return run.out;
    },
    background: (args) => backgroundOf(start(args)),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function finished(child: ChildProcess, input: string): Promise<Run> {
  let out = '';
  let err = '';
  child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, out, err })));
}

function backgroundOf(child: ChildProcess): Background {
  let text = '';
  const waiting = new Set<() => void>();
  const add = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const check of waiting) check();
  };
  child.stdout!.on('data', add);
  child.stderr!.on('data', add);
  return {
    seen: (pattern) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!pattern.test(text)) return;
          waiting.delete(check);
          resolve(text);
        };
        waiting.add(check);
        check();
      }),
    stop: () => child.kill('SIGKILL'),
  };
}
