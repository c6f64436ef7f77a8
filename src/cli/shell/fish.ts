import type { CommandPage, OptionPage } from '../command-page.ts';

/** The completion script for fish. */
export function fishCompletion(pages: readonly CommandPage[]): string {
  const names = pages.map(({ name }) => name);
  const noCommand = `not __fish_seen_subcommand_from ${[...names, 'help'].join(' ')}`;
  return [
    '# fish completion for sluice. Load it with: sluice completion fish | source',
    'complete -c sluice -f',
    ...pages.map(({ name, summary }) => `complete -c sluice -n ${quote(noCommand)} -a ${name} -d ${quote(summary)}`),
    `complete -c sluice -n ${quote(noCommand)} -a help -d 'show help'`,
    `complete -c sluice -n ${quote(noCommand)} -s V -l version -d 'print the version'`,
    `complete -c sluice -n ${quote(noCommand)} -s h -l help -d 'show help'`,
    `complete -c sluice -n '__fish_seen_subcommand_from help' -a ${quote(names.join(' '))}`,
    ...pages.flatMap(pageLines),
    '',
  ].join('\n');
}

function pageLines({ name, options, positionals }: CommandPage): string[] {
  const when = `complete -c sluice -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
  const paths = positionals.some(({ completes }) => completes !== undefined) ? [`${when} -F`] : [];
  const choices = positionals.flatMap((each) => each.choices);
  const words = choices.length === 0 ? [] : [`${when} -a ${quote(choices.join(' '))}`];
  return [...paths, ...words, ...options.map((option) => `${when}${optionWords(option)}`)];
}

function optionWords({ short, long, value, description, choices, completes }: OptionPage): string {
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.replace(/^--/u, '')}`;
  const text = ` -d ${quote(description)}`;
  if (value === undefined) return `${names}${text}`;
  if (choices.length > 0) return `${names} -x -a ${quote(choices.join(' '))}${text}`;
  return `${names} ${completes === undefined ? '-x' : '-r -F'}${text}`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/gu, (character) => `\\${character}`)}'`;
}
