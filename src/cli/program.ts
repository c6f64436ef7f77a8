import { Argument, Command as Parser, Option } from 'commander';
import type { ArgumentSpec, Command, CommandEntry, OptionSpec, Values } from './command.ts';

/** Every command takes it. */
export const DEBUG: OptionSpec = { flags: '--debug', description: 'print stack traces of errors' };

/** What parsing a command line came to. */
export interface ParsedCall {
  readonly command: Command;
  readonly arguments: readonly (string | undefined)[];
  readonly values: Values;
}

/** Where the parser writes help and complaints. */
export interface ParserOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Reads a command line. Only the module of the command that is called is loaded. Throws commander's error after it has
 * written help (exit code 0) or a complaint with a suggestion (any other).
 */
export async function parseCall(
  argv: readonly string[],
  entries: readonly CommandEntry[],
  version: string,
  output: ParserOutput,
): Promise<ParsedCall> {
  let parsed: ParsedCall | undefined;
  const program = new Parser('sluice')
    .description('The pod network and network-policy engine of a Kubernetes cluster.')
    .version(version, '-V, --version')
    .helpCommand('help [command]', 'show help')
    .showSuggestionAfterError();
  quiet(program, output);
  for (const entry of entries) {
    const sub = quiet(new Parser(entry.name).summary(entry.summary), output);
    program.addCommand(sub, { hidden: entry.hidden === true });
    if (!argv.includes(entry.name)) continue;
    const { command } = await entry.load();
    fill(sub, entry.summary, command);
    sub.action(() => {
      parsed = { command, arguments: sub.args, values: sub.opts() };
    });
  }
  await program.parseAsync([...argv], { from: 'user' });
  if (parsed === undefined) program.help({ error: true });
  return parsed!;
}

function quiet(parser: Parser, output: ParserOutput): Parser {
  return parser
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .showSuggestionAfterError()
    .showHelpAfterError(false);
}

function fill(parser: Parser, summary: string, { meta, args }: Command): void {
  parser.description(meta.description ?? summary);
  for (const spec of args.positionals) parser.addArgument(argument(spec));
  for (const spec of args.options) parser.addOption(option(spec));
  parser.addOption(new Option(DEBUG.flags, DEBUG.description));
  if (meta.examples !== undefined) {
    parser.addHelpText('after', `\nExamples:\n${meta.examples.map((line) => `  ${line}`).join('\n')}`);
  }
}

function argument({ name, description, choices }: ArgumentSpec): Argument {
  const made = new Argument(name, description);
  return choices === undefined ? made : made.choices([...choices]);
}

function option({ flags, description, choices, fallback, repeatable }: OptionSpec): Option {
  const made = new Option(flags, description);
  if (choices !== undefined) made.choices([...choices]);
  if (fallback !== undefined) made.default(fallback);
  if (repeatable === true) made.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return made;
}
