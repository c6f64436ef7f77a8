import { join } from 'node:path';
import { http } from '../../host/http.ts';
import { runDirOf } from './run-dir.ts';
import type { Environment } from './run-dir.ts';

/** How long a living agent may take to answer, milliseconds. */
const PATIENCE = 3000;

/** `sluice agent --health`: 0 when the agent of this node says that it can serve, else 1 and why on standard error. */
export async function checkAgentHealth(env: Environment): Promise<number> {
  const socketPath = join(runDirOf(env), 'agent.sock');
  const { promise, resolve } = Promise.withResolvers<{ readonly code: number; readonly text: string }>();
  const outgoing = http.request({ socketPath, path: '/healthz', timeout: PATIENCE }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
  outgoing.on('error', (error) => resolve({ code: 0, text: `${socketPath}: ${error.message}` }));
  outgoing.end();
  const { code, text } = await promise;
  if (code === 200) return 0;
  process.stderr.write(`the agent is not ready: ${text.trim()}\n`);
  return 1;
}
