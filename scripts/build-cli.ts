import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Metafile, OutputFile, Plugin } from 'esbuild';
import { ALL, LISTS, bundleState, programList, stampOf } from '../src/host/exec/bundle.ts';
import { lazyBuiltins } from './lazy-builtins.ts';

/**
 * Bundles the command line and the lab into build/cli/<hash>: chunks that commands load as they need them instead of hundreds of files.
 * Then says in build/cli/inputs which bundle it is and what each command's part of it was made of. The command line calls
 * this by itself when its sources have changed. `build-cli.ts [CHECKOUT]`
 */

/** Commands and labs that are still running may yet load chunks of a bundle that is no longer the newest. */
const KEPT = 7 * 24 * 60 * 60_000;

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/u, '');
const lists = join(root, LISTS);
const folder = dirname(lists);
/** Processes of the lab that are started by path. */
const PROGRAMS = [
  'src/app/lab/supervisor/main.ts',
  'src/app/lab/universe/init.ts',
  'src/app/lab/universe/outside.ts',
  'src/app/lab/universe/probe-main.ts',
  'src/app/lab/kubelet/main.ts',
];
/** Commands of one question, and of hooks: what they need lies in few chunks of their own, since finding and linking one takes its time. */
const QUICK = ['check', 'lint', 'diff', 'test'];
/** Of every input, taken before it is read: what changes meanwhile counts as changed. */
const stamps = new Map<string, string>();
const ALWAYS = ['package-lock.json', 'scripts/build-cli.ts', 'scripts/lazy-builtins.ts', 'src/host/exec/bundle.ts'];
for (const path of ALWAYS) stamps.set(path, stampAt(path));

/** Files that modules read beside themselves are found where the sources are, three folders up from the chunks. */
const sources: Plugin = {
  name: 'sources',
  setup: (bundler) =>
    bundler.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const path = relative(root, file);
      stamps.set(path, stampAt(path));
      const place = `new URL(${JSON.stringify(`../../../${path}`)}, import.meta.url).href`;
      // What is both a module and a program is here a module, whatever chunk it comes to stand in.
      const text = readFileSync(file, 'utf8').replaceAll('import.meta.main', 'false');
      return { contents: text.replaceAll('import.meta.url', place), loader: 'ts' };
    }),
};

if (bundleState(root)?.kind === 'fresh') process.exit(0);
const [whole, ...quick] = await Promise.all([
  bundle({ main: 'src/cli/run.ts', ...Object.fromEntries(PROGRAMS.map((each) => [programList(each), each])) }, sources),
  ...QUICK.map((command) => bundle({ [command]: 'src/cli/run.ts' }, otherCommands(command), sources)),
]);
const outputFiles = [whole!, ...quick].flatMap((each) => each.outputFiles);
const name = nameOf(outputFiles);
write(outputFiles, join(folder, name));
const parts = partsOf(whole!.metafile);
for (const [at, command] of QUICK.entries())
  parts.set(command, { entry: `${command}.js`, inputs: inputsOf(quick[at]!.metafile) });
mkdirSync(lists, { recursive: true });
for (const [part, { entry, inputs }] of parts) {
  const lines = [...inputs, ...ALWAYS].map((path) => `${path}\t${stamps.get(path)}`);
  replace(join(lists, part), [relative(root, join(folder, name, entry)), ...lines].join('\n'));
}
removeOldBut(name);

function bundle(entryPoints: Record<string, string>, ...plugins: readonly Plugin[]) {
  return build({
    absWorkingDir: root,
    entryPoints,
    outdir: join(folder, 'bundle'),
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    keepNames: true,
    tsconfigRaw: '{}',
    // A native module, and CommonJS that is loaded when it is needed, whose names a chunk would not export.
    external: ['koffi', '@peculiar/x509', 'reflect-metadata', 'yaml'],
    plugins: [lazyBuiltins, ...plugins],
    logLevel: 'error',
  });
}

/** Leaves all commands but that one where they are: nobody calls them from its chunks. */
function otherCommands(command: string): Plugin {
  return {
    name: 'other-commands',
    setup: (bundler) =>
      bundler.onResolve({ filter: /^\.\/commands\/[a-z-]+\.ts$/ }, ({ path, importer }) =>
        basename(importer) === 'commands.ts' && basename(path, '.ts') !== command
          ? { path: `../../../src/cli/${path}`, external: true }
          : undefined,
      ),
  };
}

/** For each list the chunk to run, and the sources in the chunks that it can load: for a command none of other commands. */
function partsOf({ outputs }: Metafile): Map<string, { readonly entry: string; readonly inputs: readonly string[] }> {
  const entries = new Map(Object.entries(outputs).map(([chunk, { entryPoint }]) => [entryPoint, chunk]));
  const table = entries.get('src/cli/commands.ts');
  const reached = (...starts: readonly string[]): readonly string[] => {
    const chunks = new Set(starts);
    for (const chunk of chunks)
      for (const { path, kind } of outputs[chunk]?.imports ?? [])
        if (path in outputs && !(chunk === table && kind === 'dynamic-import')) chunks.add(path);
    return inputsOf({ outputs: Object.fromEntries([...chunks].map((chunk) => [chunk, outputs[chunk]!])) });
  };
  const main = entries.get('src/cli/run.ts')!;
  const parts = new Map([[ALL, { entry: 'main.js', inputs: reached(...Object.keys(outputs)) }]]);
  for (const [source = '', chunk] of entries)
    if (source.startsWith('src/cli/commands/'))
      parts.set(basename(source, '.ts'), { entry: 'main.js', inputs: reached(main, chunk) });
  for (const source of PROGRAMS)
    parts.set(programList(source), { entry: `${programList(source)}.js`, inputs: reached(entries.get(source)!) });
  return parts;
}

/** The sources of the chunks. */
function inputsOf({ outputs }: Pick<Metafile, 'outputs'>): string[] {
  const inputs = new Set(Object.values(outputs).flatMap((chunk) => Object.keys(chunk.inputs)));
  return [...inputs].filter((path) => stamps.has(path));
}

function nameOf(files: readonly OutputFile[]): string {
  const hash = createHash('sha256');
  for (const { path, text } of files) hash.update(`${basename(path)}\0${text}\0`);
  return hash.digest('hex').slice(0, 16);
}

/** A bundle of that name is the same one; one that is half written has another name. */
function write(files: readonly OutputFile[], target: string): void {
  const draft = `${target}.${randomUUID()}`;
  mkdirSync(draft, { recursive: true });
  for (const { path, contents } of files) writeFileSync(join(draft, basename(path)), contents);
  try {
    renameSync(draft, target);
  } catch {
    rmSync(draft, { recursive: true });
  }
}

function replace(file: string, text: string): void {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${text}\n`);
  renameSync(draft, file);
}

function removeOldBut(newest: string): void {
  for (const { name: each } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
    if (each !== newest && Date.now() - statSync(join(folder, each)).mtimeMs > KEPT)
      rmSync(join(folder, each), { recursive: true, force: true });
}

function stampAt(path: string): string {
  return stampOf(statSync(join(root, path), { throwIfNoEntry: false }));
}
