// Imported, `node:fs` would load streams as well, in every command that runs from the bundle.
const { accessSync, constants, existsSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');

/**
 * Below the checkout: for each command, for each program of the lab, and for ALL commands together, a list of what its part
 * of the bundle was made of, below the path of the entry to run. `scripts/build-cli.ts` writes them.
 */
export const LISTS = 'build/cli/inputs';

/** The list for what names no command. */
export const ALL = 'all';

/** Sources that changed later than this before now are being worked on: a bundle of them would not live long. */
const REST = 10 * 60_000;

/** What the list of inputs says of the bundle. */
export type BundleState =
  { readonly kind: 'fresh'; readonly entry: string } | { readonly kind: 'stale'; readonly changed: number };

/**
 * The bundle that is what the sources of the command say, made now when there is none or the sources have come to rest
 * since. Undefined when the sources themselves are to be run: while they are being changed, or where nothing can be built.
 */
export function bundleToRun(root: string, command: string | undefined, now = Date.now()): string | undefined {
  const before = bundleState(root, command);
  if (before?.kind === 'fresh') return before.entry;
  if (before !== undefined && now - before.changed < REST) return undefined;
  if (!canBuild(root) || !build(root)) return undefined;
  const after = bundleState(root, command);
  return after?.kind === 'fresh' ? after.entry : undefined;
}

/**
 * Whether every file that the command's part of the bundle was made of has the size and time of change that it had then;
 * when not, the latest time, in milliseconds, at which one of those that differ was changed. Undefined without a bundle.
 */
export function bundleState(root: string, command = ALL): BundleState | undefined {
  return (/^[a-z-]+$/u.test(command) ? stateOf(root, command) : undefined) ?? stateOf(root, ALL);
}

/** What to run for the program of that source: its part of the bundle when there is one and it is fresh, else the source. */
export function programToRun(root: string, source: string): string {
  const state = stateOf(root, programList(source));
  return state?.kind === 'fresh' ? state.entry : join(root, source);
}

/** The name of the list of a program: `src/app/lab/kubelet/main.ts` → `app-lab-kubelet-main`. */
export function programList(source: string): string {
  return source
    .replace(/^src\//u, '')
    .replace(/\.ts$/u, '')
    .replaceAll('/', '-');
}

function stateOf(root: string, name: string): BundleState | undefined {
  const list = contents(join(root, LISTS, name));
  if (list === undefined) return undefined;
  const [entry = '', ...inputs] = list.trimEnd().split('\n');
  if (!existsSync(join(root, entry))) return undefined;
  let changed: number | undefined;
  for (const input of inputs) {
    const path = input.slice(0, input.indexOf('\t'));
    const stat = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (input !== `${path}\t${stampOf(stat)}`) changed = Math.max(changed ?? 0, stat?.mtimeMs ?? 0);
  }
  if (changed !== undefined) return { kind: 'stale', changed };
  return { kind: 'fresh', entry: join(root, entry) };
}

/** What a file's stamp in the list is. */
export function stampOf(stat: { readonly size: number; readonly mtimeMs: number } | undefined): string {
  return stat === undefined ? 'absent' : `${stat.size} ${stat.mtimeMs}`;
}

function contents(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Not from an image without esbuild, nor for a user who may not write here. */
function canBuild(root: string): boolean {
  try {
    accessSync(join(root, 'node_modules/esbuild'));
    accessSync(root, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function build(root: string): boolean {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build-cli.ts')], { stdio: 'ignore' });
  return status === 0;
}
