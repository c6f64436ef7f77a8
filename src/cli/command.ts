/** One option as the user types it. */
export interface OptionSpec {
  /** In commander's notation: `-o, --output <format>`, `--debug`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Shown in the help and used when the option is absent. */
  readonly fallback?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  /** What a shell offers for the value; without it, files when the placeholder says so. */
  readonly completes?: ValueKind;
}

/** What a value names on this machine. */
export type ValueKind = 'file' | 'directory';

/** One positional argument; `[name]` is optional, `<name>` required, in commander's notation. */
export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** What a shell offers for it. */
  readonly completes?: ValueKind;
}

/** What a command is told about itself; nothing here runs. */
export interface CommandMeta {
  /** Below the usage line in `--help`, and in the manual page; without one the summary of its row in the table of commands. */
  readonly description?: string;
  readonly examples?: readonly string[];
}

/** Values of options by their camel-case name. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command is run with. */
export interface Invocation {
  readonly arguments: readonly (string | undefined)[];
  readonly values: Values;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Prints to standard output, with a line feed. */
  readonly print: (line: string) => void;
  /** Prints to standard error, with a line feed: progress and remarks. */
  readonly note: (line: string) => void;
}

/** A command as data. `run` returns the exit code: 0 done, 1 the answer is no, 2 it could not be done. */
export interface Command {
  readonly meta: CommandMeta;
  readonly args: { readonly positionals: readonly ArgumentSpec[]; readonly options: readonly OptionSpec[] };
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** A command that is loaded when it is called. */
export interface CommandEntry {
  readonly name: string;
  /** One line of the list of commands, of completion and of the manual: a verb, no full stop. */
  readonly summary: string;
  /** Not listed in the help: programs that Sluice starts itself. */
  readonly hidden?: boolean;
  readonly load: () => Promise<{ readonly command: Command }>;
}
