import { keepCompileCache } from '../../host/exec/keep-compile-cache.ts';
import type { Command } from '../command.ts';

/** `sluice controllers`: what the Deployment sluice-controllers runs. */
export const command: Command = {
  meta: {
    description:
      'Collects leaked addresses and reports on pools. The Deployment sluice-controllers in deploy/sluice.yaml starts it.',
  },
  args: { positionals: [], options: [] },
  run: async ({ env, signal }) => {
    const { runControllersProgram } = await import('../../app/controllers/program.ts');
    keepCompileCache();
    return runControllersProgram(env, signal);
  },
};
