import { join } from 'node:path';
import { http } from '../../host/http.ts';
import { runDirOf } from './run-dir.ts';
import type { Environment } from './run-dir.ts';

/** How long a living agent may take to answer, milliseconds. */
const PATIENCE = 3000;

/** What the agent of this node answers to `GET path`; code 0 and the reason when it does not answer. */
export async function askAgent(
  env: Environment,
  path: string,
): Promise<{ readonly code: number; readonly text: string }> {
  const socketPath = join(runDirOf(env), 'agent.sock');
  const { promise, resolve } = Promise.withResolvers<{ readonly code: number; readonly text: string }>();
  const outgoing = http.request({ socketPath, path, timeout: PATIENCE }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
  outgoing.on('error', (error) => resolve({ code: 0, text: `${socketPath}: ${error.message}` }));
  outgoing.end();
  return promise;
}
