import { keepCompileCache } from '../../host/exec/keep-compile-cache.ts';
import type { Command } from '../command.ts';

/** `sluice agent`: what the DaemonSet sluice-node runs on every node. */
export const command: Command = {
  meta: {
    description:
      'Runs the agent of a node. The DaemonSet sluice-node in deploy/sluice.yaml starts it with its environment.',
  },
  args: {
    positionals: [],
    options: [{ flags: '--health', description: 'ask the running agent whether it is well; exit code 0 when it is' }],
  },
  run: async ({ env, signal, values }) => {
    if (values['health'] === true) {
      const { checkAgentHealth } = await import('../../app/agent/health-command.ts');
      return checkAgentHealth(env);
    }
    const { runAgentProgram } = await import('../../app/agent/program.ts');
    keepCompileCache();
    return runAgentProgram(env, signal);
  },
};
