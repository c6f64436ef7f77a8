import { commandPages } from '../command-page.ts';
import type { CommandPage } from '../command-page.ts';
import type { Command } from '../command.ts';
import { bashCompletion } from '../shell/bash.ts';
import { fishCompletion } from '../shell/fish.ts';
import { zshCompletion } from '../shell/zsh.ts';

const SHELLS: Readonly<Record<string, (pages: readonly CommandPage[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `sluice completion SHELL` */
export const command: Command = {
  meta: {
    examples: [
      'source <(sluice completion bash)',
      'source <(sluice completion zsh)',
      'sluice completion fish > ~/.config/fish/completions/sluice.fish',
    ],
  },
  args: {
    positionals: [{ name: '<shell>', description: 'the shell', choices: Object.keys(SHELLS) }],
    options: [],
  },
  run: async ({ arguments: [shell], print }) => {
    // The table of commands names this one, too.
    const { COMMANDS } = await import('../commands.ts');
    print(SHELLS[shell ?? '']!(await commandPages(COMMANDS)).trimEnd());
    return 0;
  },
};
