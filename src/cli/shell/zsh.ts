import type { CommandPage, OptionPage, PositionalPage } from '../command-page.ts';

/** The completion script for zsh, for a file `_sluice` on `fpath` or to be sourced. */
export function zshCompletion(pages: readonly CommandPage[]): string {
  return `#compdef sluice
# zsh completion for sluice. Load it with: source <(sluice completion zsh)
_sluice() {
  local curcontext=$curcontext state line ret=1
  typeset -A opt_args
  local -a commands
  commands=(
${pages.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
    'help:show help'
  )
  _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)'{-V,--version}'[print the version]' \\
    '1: :->command' '*:: :->arguments' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    arguments)
      curcontext=\${curcontext%:*:*}:sluice-$words[1]:
      case $words[1] in
${pages.map((page) => `        ${page.name})\n          _arguments -s -S ${specs(page).join(' \\\n            ')} && ret=0 ;;`).join('\n')}
        help) _describe -t commands command commands && ret=0 ;;
      esac ;;
  esac
  return ret
}
if [ "$funcstack[1]" = _sluice ]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

function specs({ options, positionals }: CommandPage): string[] {
  return [...options.map(optionSpec), ...positionals.map(positionalSpec)];
}

/** `'(-o --output)'{-o+,--output=}'[how to print the answer]:format:(text json)'`, in the notation of _arguments. */
function optionSpec(option: OptionPage): string {
  const { short, long, value, description, repeatable } = option;
  const names = [
    ...(short === undefined ? [] : [value === undefined ? short : `${short}+`]),
    value === undefined ? long : `${long}=`,
  ];
  const excluded = repeatable ? '*' : `(${[short, long].filter((each) => each !== undefined).join(' ')})`;
  const rest = `[${escape(description)}]${value === undefined ? '' : `:${escape(value)}:${action(option)}`}`;
  return names.length === 1
    ? quote(`${excluded}${names[0]}${rest}`)
    : `${quote(excluded)}{${names.join(',')}}${quote(rest)}`;
}

function positionalSpec(positional: PositionalPage, index: number): string {
  const { name, required, variadic } = positional;
  return quote(
    `${variadic ? '*' : `${index + 1}`}:${required || variadic ? '' : ':'}${escape(name)}:${action(positional)}`,
  );
}

function action({ choices, completes }: Pick<OptionPage, 'choices' | 'completes'>): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  if (completes === undefined) return ' ';
  return completes === 'file' ? '_files' : '_files -/';
}

function escape(text: string): string {
  return text.replaceAll(/[[\]:\\]/gu, (character) => `\\${character}`).replaceAll('\n', ' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
