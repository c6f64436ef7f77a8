import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandPages } from '../command-page.ts';
import { COMMANDS } from '../commands.ts';
import { commandManPage, programManPage } from './page.ts';
import { text } from './roff.ts';

const edition = { version: '1.2.3' };
const pages = await commandPages(COMMANDS);
const groff = spawnSync('groff', ['--version']).status === 0;

/** The page as man(1) shows it, and what groff complains of. */
function render(page: string): { readonly shown: string; readonly complaints: string } {
  const { stdout, stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-cbou', '-rLL=200n'], {
    input: page,
    encoding: 'utf8',
  });
  return { shown: stdout, complaints: stderr };
}

describe.skipIf(!groff)('manual pages', () => {
  it.each(pages.map((page) => [page.name, page] as const))(
    'groff reads the page of %s without a complaint',
    (_, page) => {
      const { shown, complaints } = render(commandManPage(page, edition));
      expect(complaints).toBe('');
      for (const { long, description } of page.options) {
        expect(shown).toContain(long);
        expect(shown.replaceAll(/\s+/gu, ' ')).toContain(description.replaceAll(/\s+/gu, ' '));
      }
      for (const example of page.examples) expect(shown).toContain(example);
    },
  );

  it('the page of the program lists every command', () => {
    const { shown, complaints } = render(programManPage(pages, edition));
    expect(complaints).toBe('');
    for (const { name } of pages) expect(shown).toContain(`sluice-${name}(1)`);
  });

  it('shows text as it is: dots and quotes at the start of a line, backslashes, carets and dashes', () => {
    for (const line of ['.br is no request', "'tis none either", 'C:\\n and ^~`', '--dashes -- and -1'])
      expect(render(`.TH A 1\n.SH B\n${text(line)}\n`).shown).toContain(line);
  });
});
