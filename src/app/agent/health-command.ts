import { askAgent } from './ask-agent.ts';
import type { Environment } from './run-dir.ts';

/** `sluice agent --health`: 0 when the agent of this node says that it can serve, else 1 and why on standard error. */
export async function checkAgentHealth(env: Environment): Promise<number> {
  const { code, text } = await askAgent(env, '/healthz');
  if (code === 200) return 0;
  process.stderr.write(`the agent is not ready: ${text.trim()}\n`);
  return 1;
}
