import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as sluice from '../../src/index.ts';
import { buildLibrary, everyAnswer, exampleSources } from './library.ts';

const sources = exampleSources();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-library-'));
  buildLibrary(join(folder, 'dist'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a page has become when its scripts have run, in a headless Chromium without a network. */
function render(page: string): string {
  writeFileSync(join(folder, 'page.html'), page);
  const offline = ['--user', '--map-root-user', '--net'];
  const isolated = spawnSync('unshare', [...offline, 'true']).status === 0;
  const browser = [
    'chromium',
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    // Containers often have little of it.
    '--disable-dev-shm-usage',
    '--allow-file-access-from-files',
    `--user-data-dir=${join(folder, 'profile')}`,
    '--virtual-time-budget=60000',
    '--dump-dom',
    `file://${join(folder, 'page.html')}`,
  ];
  const [program, ...args] = isolated ? ['unshare', ...offline, ...browser] : browser;
  const { stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 150_000, maxBuffer: 1 << 28 });
  return stdout === '' ? stderr : stdout;
}

it('imports nothing, of Node or else', async () => {
  const file = join(folder, 'dist/index.js');
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    external: ['*'],
  });
  expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports)).toEqual([]);
});

it.skipIf(spawnSync('chromium', ['--version']).status !== 0)('says the same in Chromium as in Node', () => {
  const data = JSON.stringify(sources).replaceAll('<', '\\u003c');
  const dom = render(`<!doctype html><meta charset="utf-8"><pre id="out">nothing ran</pre>
<script type="module">
import * as sluice from './dist/index.js';
const out = document.getElementById('out');
try { out.textContent = JSON.stringify((${everyAnswer.toString()})(sluice, ${data})); } catch (error) { out.textContent = error.stack; }
</script>`);
  const text = /<pre id="out">([\s\S]*?)<\/pre>/u.exec(dom)?.[1] ?? dom;
  const plain = text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&nbsp;', '\u00a0')
    .replaceAll('&amp;', '&');
  const expected = everyAnswer(sluice, sources) as { readonly answers: readonly string[] };
  expect(expected.answers.length).toBeGreaterThan(500);
  expect(JSON.parse(plain)).toEqual(JSON.parse(JSON.stringify(expected)));
});
