import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Fills `directory` with busybox under each of its names. Two are scripts around it: `wget`, because distributions build
 * it without timeouts and it then crashes on `-T` and `--timeout`, which is what everybody tests a network policy with;
 * and `sh`, because a busybox shell prefers its own wget to anything on the PATH.
 */
export function linkApplets(
  directory: string,
  { path: busybox, applets }: { readonly path: string; readonly applets: readonly string[] },
  /** Where the directory will be seen. */
  place: string,
): void {
  mkdirSync(directory, { recursive: true });
  for (const applet of applets) symlinkSync(busybox, join(directory, applet));
  const wget = join(place, 'wget');
  const scripts: Readonly<Record<string, string>> = {
    wget: wgetScript(busybox),
    sh: shellScript(busybox, place),
    ash: shellScript(busybox, place),
    '.profile': `wget() { ${wget} "$@"; }\n`,
  };
  for (const [name, text] of Object.entries(scripts)) {
    rmSync(join(directory, name), { force: true });
    writeFileSync(join(directory, name), text, { mode: 0o755 });
  }
}

/** Takes the timeout off the arguments and has another program watch over it. */
function wgetScript(busybox: string): string {
  return `#!${busybox} sh
limit=
n=$#
while [ "$n" -gt 0 ]; do
  arg=$1; shift; n=$((n - 1))
  case $arg in
    -T | --timeout) limit=$1; shift; n=$((n - 1)) ;;
    --timeout=*) limit=\${arg#--timeout=} ;;
    -T*) limit=\${arg#-T} ;;
    --*) set -- "$@" "$arg" ;;
    -*T) limit=$1; shift; n=$((n - 1)); set -- "$@" "\${arg%T}" ;;
    *) set -- "$@" "$arg" ;;
  esac
done
[ -n "$limit" ] || exec ${busybox} wget "$@"
# A shell says nothing of a program that a broken pipe has ended.
${busybox} timeout -s PIPE "$limit" ${busybox} wget "$@"
code=$?
[ "$code" -eq 141 ] || exit "$code"
echo 'wget: download timed out' >&2
exit 1
`;
}

/**
 * A shell that knows the wget above: as a function, which goes before what is built in. An interactive shell reads it
 * from $ENV; a command, a script or a pipe of commands is read by a shell that has read it first.
 */
function shellScript(busybox: string, directory: string): string {
  const known = `. ${directory}/.profile`;
  return `#!${busybox} sh
case $1 in
  -*c)
    flags=$1; script=$2; shift 2
    exec ${busybox} sh "$flags" "${known}
$script" "$@" ;;
  '')
    [ -t 0 ] || exec ${busybox} sh -c "${known}
. /dev/stdin" ;;
  -*) ;;
  *)
    [ -f "$1" ] && exec ${busybox} sh -c '${known}
case $0 in */*) . "$0" ;; *) . "./$0" ;; esac' "$@" ;;
esac
ENV=${directory}/.profile exec ${busybox} sh "$@"
`;
}
