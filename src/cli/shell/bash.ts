import type { CommandPage, OptionPage } from '../command-page.ts';

/**
 * The completion script for bash 3.2 and later; it needs nothing installed besides and starts no program. Values after
 * `=` work whether or not `=` separates words.
 */
export function bashCompletion(pages: readonly CommandPage[]): string {
  return `# bash completion for sluice. Load it with: source <(sluice completion bash)
_sluice_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_sluice_files() { compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY+=($(compgen -f -- "$cur")); }
_sluice_directories() { compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY+=($(compgen -d -- "$cur")); }

# What an option's value can be; fails when the option takes none.
_sluice_value() {
  case $1:$2 in
${pages.flatMap(({ name, options }) => options.filter((each) => each.value !== undefined).map((each) => `    ${patterns(name, each)}) ${offer(each)} ;;`)).join('\n')}
    *) return 1 ;;
  esac
}

_sluice_options() {
  case $1 in
${pages.map(({ name, options }) => `    ${name}) _sluice_words '${options.map(({ long }) => long).join(' ')}' ;;`).join('\n')}
    *) _sluice_words '--help --version' ;;
  esac
}

_sluice_positional() {
  case $1 in
${pages.flatMap(positionals).join('\n')}
    help:0) _sluice_words '${pages.map(({ name }) => name).join(' ')}' ;;
  esac
}

_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' count=0 i word
  COMPREPLY=()
  if [[ $cur == '=' ]]; then cur=''; elif [[ $previous == '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -z $command ]]; then
      [[ $word == -* ]] || command=$word
    elif [[ $word == '=' ]] || [[ \${COMP_WORDS[i - 1]} == '=' ]]; then
      :
    elif [[ $word != -* ]] && ! (_sluice_value "$command" "\${COMP_WORDS[i - 1]}") >/dev/null 2>&1; then
      count=$((count + 1))
    fi
  done
  if [[ -z $command ]]; then
    if [[ $cur == -* ]]; then _sluice_options ''; else _sluice_words '${[...pages.map(({ name }) => name), 'help'].join(' ')}'; fi
    return
  fi
  _sluice_value "$command" "$previous" && return
  if [[ $cur == -*=* ]]; then
    local option=\${cur%%=*}
    cur=\${cur#*=}
    _sluice_value "$command" "$option"
  elif [[ $cur == -* ]]; then
    _sluice_options "$command"
  else
    _sluice_positional "$command:$count"
  fi
}
complete -F _sluice sluice
`;
}

function patterns(command: string, { short, long }: OptionPage): string {
  return [long, short]
    .filter((each) => each !== undefined)
    .map((each) => `${command}:${each}`)
    .join(' | ');
}

/** Only `choices` and paths are offered; for anything else the user knows better. */
function offer({ choices, completes }: Pick<OptionPage, 'choices' | 'completes'>): string {
  if (choices.length > 0) return `_sluice_words '${choices.join(' ')}'`;
  if (completes === undefined) return ':';
  return completes === 'file' ? '_sluice_files' : '_sluice_directories';
}

function positionals({ name, positionals: list }: CommandPage): string[] {
  return list.flatMap((each, index) => {
    const action = offer(each);
    return action === ':' ? [] : [`    ${name}:${each.variadic ? '*' : index}) ${action} ;;`];
  });
}
