import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, messageOf } from '../../base/errors.ts';
import { suggest } from '../../core/kube/suggest.ts';
import { commandPages } from '../command-page.ts';
import type { Command } from '../command.ts';
import { commandManPage, programManPage } from '../man/page.ts';
import { version } from '../version.ts';

/** `sluice man [COMMAND]` */
export const command: Command = {
  meta: {
    description: 'Prints a manual page as man(1) reads it: of COMMAND, or of sluice as a whole.',
    examples: ['sluice man check | man -l -', 'sluice man --write /usr/local/share/man/man1'],
  },
  args: {
    positionals: [{ name: '[command]', description: 'the command; all of sluice when left out' }],
    options: [{ flags: '--write <directory>', description: 'write the pages of all commands into this directory' }],
  },
  run: async ({ arguments: [name], values, print }) => {
    const { COMMANDS } = await import('../commands.ts');
    const pages = await commandPages(COMMANDS);
    const edition = { version: version() };
    const directory = values['write'] as string | undefined;
    if (directory !== undefined) {
      if (name !== undefined) throw new SluiceError('bad-question', '--write writes all pages: leave COMMAND out');
      const files = new Map([['sluice.1', programManPage(pages, edition)]]);
      for (const page of pages) files.set(`sluice-${page.name}.1`, commandManPage(page, edition));
      await writeAll(directory, files);
      return 0;
    }
    const page = pages.find((each) => each.name === name);
    if (name !== undefined && page === undefined) throw unknown(name, pages);
    print((page === undefined ? programManPage(pages, edition) : commandManPage(page, edition)).trimEnd());
    return 0;
  },
};

async function writeAll(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, page] of files) await writeFile(join(directory, name), page);
  } catch (error) {
    throw new SluiceError('unwritable', `--write ${directory}: ${messageOf(error)}`, {}, error);
  }
}

function unknown(name: string, pages: readonly { readonly name: string }[]): SluiceError<'bad-question'> {
  const names = pages.map((each) => each.name);
  const near = suggest(name, names);
  const hint = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`;
  return new SluiceError('bad-question', `there is no command ${name}; ${hint}`);
}
