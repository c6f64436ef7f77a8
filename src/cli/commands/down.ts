import { labNames, stopLab } from '../../app/lab/lab.ts';
import type { Command } from '../command.ts';
import { NAME } from '../lab-options.ts';

/** `sluice down` */
export const command: Command = {
  meta: {
    description:
      'Stops the cluster and everything in it. Nothing of it is left running. A cluster that does not run is no error.',
  },
  args: {
    positionals: [],
    options: [NAME, { flags: '--all', description: 'stop every cluster of this user' }],
  },
  run: async ({ values, env, uid, note }) => {
    const names = values['all'] === true ? labNames({ env, uid }) : [String(values['name'])];
    for (const name of names) {
      const stopped = await stopLab(name, { env, uid });
      note(stopped ? `Cluster '${name}' is down.` : `Cluster '${name}' is not running.`);
    }
    return 0;
  },
};
