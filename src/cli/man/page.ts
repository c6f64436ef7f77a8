import type { CommandPage, OptionPage, PositionalPage } from '../command-page.ts';
import { bold, italic, text } from './roff.ts';

/** What every page carries. */
export interface Edition {
  readonly version: string;
}

const EXIT_STATUS = [
  ['0', 'Done, or the answer is yes.'],
  ['1', 'The answer is no.'],
  ['2', 'It could not be done; one message on standard error says what, where and what to do.'],
] as const;

/** The page of one command, `sluice-NAME(1)`, in man macros. */
export function commandManPage(page: CommandPage, edition: Edition): string {
  const { name, summary, description, positionals, options, examples } = page;
  return document([
    header(`sluice-${name}`, edition),
    '.SH NAME',
    `sluice\\-${text(name)} \\- ${text(summary)}`,
    '.SH SYNOPSIS',
    synopsis(page),
    '.SH DESCRIPTION',
    ...description.split('\n').flatMap((line, index) => (index === 0 ? [text(line)] : ['.br', text(line)])),
    ...section('ARGUMENTS', positionals.flatMap(positional)),
    ...section('OPTIONS', options.flatMap(option)),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, meaning]) => ['.TP', bold(code), text(meaning)]),
    ...section('EXAMPLES', examples.length === 0 ? [] : ['.nf', ...examples.map(text), '.fi']),
    '.SH SEE ALSO',
    '.BR sluice (1)',
  ]);
}

/** The page of the whole program, `sluice(1)`. */
export function programManPage(pages: readonly CommandPage[], edition: Edition): string {
  return document([
    header('sluice', edition),
    '.SH NAME',
    'sluice \\- the pod network and network\\-policy engine of a Kubernetes cluster',
    '.SH SYNOPSIS',
    `${bold('sluice')} ${italic('COMMAND')} [${italic('OPTION')}]...`,
    '.SH COMMANDS',
    ...pages.flatMap(({ name, summary }) => ['.TP', `.BR sluice\\-${text(name)} (1)`, text(summary)]),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, meaning]) => ['.TP', bold(code), text(meaning)]),
    '.SH SEE ALSO',
    '.BR kubectl (1)',
  ]);
}

function document(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function header(title: string, { version }: Edition): string {
  return `.TH ${text(title.toUpperCase())} 1 "" "sluice ${text(version)}" "User Commands"`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title}`, ...lines];
}

function synopsis({ name, positionals }: CommandPage): string {
  const words = positionals.map(({ name: word, required, variadic }) => {
    const shown = `${italic(word.toUpperCase())}${variadic ? '...' : ''}`;
    return required ? shown : `[${shown}]`;
  });
  return [bold(`sluice ${name}`), `[${italic('OPTION')}]...`, ...words].join(' ');
}

function positional({ name, description, choices }: PositionalPage): string[] {
  return ['.TP', italic(name.toUpperCase()), text(description + remarks(choices, undefined, false))];
}

function option({
  short,
  long,
  value,
  optionalValue,
  description,
  choices,
  fallback,
  repeatable,
}: OptionPage): string[] {
  const names = [short, long]
    .filter((each) => each !== undefined)
    .map(bold)
    .join(', ');
  const shown = value === undefined ? '' : optionalValue ? `[=${italic(value)}]` : ` ${italic(value)}`;
  return ['.TP', names + shown, text(description + remarks(choices, fallback, repeatable))];
}

/** What the help adds in brackets; a description that says it already is left alone. */
function remarks(choices: readonly string[], fallback: string | undefined, repeatable: boolean): string {
  const parts = [
    ...(choices.length === 0 ? [] : [`one of ${choices.join(', ')}`]),
    ...(fallback === undefined ? [] : [`default ${fallback}`]),
    ...(repeatable ? ['may be repeated'] : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}
