import { Option } from 'commander';
import type { CommandEntry, OptionSpec, ValueKind } from './command.ts';
import { DEBUG } from './program.ts';

/** A command with everything that documents and shells need to know of it. */
export interface CommandPage {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly positionals: readonly PositionalPage[];
  /** `--debug` and `--help` at the end, which every command has. */
  readonly options: readonly OptionPage[];
  readonly examples: readonly string[];
}

/** A positional argument, its notation taken apart. */
export interface PositionalPage {
  /** Without brackets and dots. */
  readonly name: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly description: string;
  readonly choices: readonly string[];
  readonly completes: ValueKind | undefined;
}

/** An option, its notation taken apart. */
export interface OptionPage {
  /** With its dash: `-o`. */
  readonly short: string | undefined;
  /** With its dashes: `--output`. */
  readonly long: string;
  /** Name of its value; undefined for a switch. */
  readonly value: string | undefined;
  /** Whether the value may be left out. */
  readonly optionalValue: boolean;
  readonly description: string;
  readonly choices: readonly string[];
  readonly fallback: string | undefined;
  readonly repeatable: boolean;
  readonly completes: ValueKind | undefined;
}

const HELP: OptionSpec = { flags: '-h, --help', description: 'show help' };

/** The pages of all commands that people call, in the order of the table; loads every one of them. */
export async function commandPages(entries: readonly CommandEntry[]): Promise<readonly CommandPage[]> {
  const shown = entries.filter((entry) => entry.hidden !== true);
  const names = shown.map(({ name }) => name);
  return Promise.all(shown.map((entry) => commandPage(entry, names)));
}

async function commandPage({ name, summary, load }: CommandEntry, names: readonly string[]): Promise<CommandPage> {
  const { meta, args } = (await load()).command;
  return {
    name,
    summary,
    description: meta.description ?? summary,
    positionals: args.positionals.map((each) => ({
      name: each.name.replaceAll(/[<>[\].]/gu, ''),
      required: each.name.startsWith('<'),
      variadic: each.name.includes('...'),
      description: each.description,
      choices: each.choices ?? (each.name === '[command]' ? names : []),
      completes: each.completes,
    })),
    options: [...args.options, DEBUG, HELP].map(optionPage),
    examples: meta.examples ?? [],
  };
}

function optionPage(spec: OptionSpec): OptionPage {
  const { short, long, required, optional } = new Option(spec.flags, spec.description);
  const value = /[<[]([^>\]]*)[>\]]/u.exec(spec.flags)?.[1]?.replace(/\.{3}$/u, '');
  return {
    short,
    long: long ?? short ?? spec.flags,
    value: required || optional ? value : undefined,
    optionalValue: optional,
    description: spec.description,
    choices: spec.choices ?? [],
    fallback: spec.fallback,
    repeatable: spec.repeatable === true,
    completes: spec.completes ?? kindOf(value),
  };
}

function kindOf(placeholder: string | undefined): ValueKind | undefined {
  if (placeholder === undefined) return undefined;
  if (/file|path/u.test(placeholder)) return 'file';
  return /dir|folder/u.test(placeholder) ? 'directory' : undefined;
}
