import process from 'node:process';
import type { Command } from '../command.ts';
import { version } from '../version.ts';

/** `sluice version` */
export const command: Command = {
  meta: {},
  args: { positionals: [], options: [] },
  run: async ({ print }) => {
    print(`sluice ${version()} (node ${process.version}, ${process.platform} ${process.arch})`);
    return 0;
  },
};
