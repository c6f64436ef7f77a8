import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

/** What each layer may import besides itself; the arrows of ARCHITECTURE.md. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  core: ['base'],
  host: ['base', 'core'],
  app: ['base', 'core', 'host'],
  cli: ['base', 'core', 'host', 'app'],
  web: ['base', 'core'],
  // The library's face.
  'index.ts': ['base', 'core', 'web'],
};

/** What each area of core may import of core besides itself. */
const CORE_AREAS: Readonly<Record<string, readonly string[]>> = {
  kube: [],
  cni: [],
  policy: ['kube'],
  reach: ['kube', 'policy'],
  lint: ['kube', 'policy', 'reach', 'ingress', 'gateway'],
  calc: ['kube', 'policy', 'service', 'nft', 'ipam'],
  nft: ['kube', 'policy', 'service'],
  service: ['kube'],
  announce: ['service'],
  ingress: ['kube', 'service'],
  gateway: ['kube', 'service', 'ingress'],
  objectstore: ['kube'],
  ipam: ['kube'],
  routing: ['kube', 'ipam', 'policy'],
  wireguard: ['policy', 'routing'],
  bgp: ['kube'],
  bpf: [],
  'fast-path': ['bpf'],
  datastore: ['ipam'],
  migrate: ['kube', 'flannel'],
  flannel: ['routing', 'wireguard'],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
  /** Path below src of a relative import's target. */
  readonly target: string | undefined;
}

function sourceFiles(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|(?:^|\n)import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const target = specifier.startsWith('.') ? relative(src, resolve(src, dirname(file), specifier)) : undefined;
    return { file, specifier, target };
  });
}

const imports = sourceFiles().flatMap(importsOf);
const relativeImports = imports.filter((one): one is Import & { target: string } => one.target !== undefined);
const layerOf = (path: string): string => path.split('/')[0]!;
const areaOf = (path: string): string => path.split('/')[1]!;
const arrow = (one: Import): string => `${one.file} → ${one.specifier}`;

it('reads the imports of a whole tree', () => {
  expect(imports.length).toBeGreaterThan(20);
});

it('keeps the arrows between layers', () => {
  const wrong = relativeImports.filter(({ file, target }) => {
    const [from, to] = [layerOf(file), layerOf(target)];
    return from !== to && !(LAYERS[from] ?? []).includes(to);
  });
  expect(wrong.map(arrow)).toEqual([]);
});

it('keeps the arrows between the areas of core', () => {
  const wrong = relativeImports.filter(({ file, target }) => {
    if (layerOf(file) !== 'core' || layerOf(target) !== 'core') return false;
    const [from, to] = [areaOf(file), areaOf(target)];
    return from !== to && !(CORE_AREAS[from] ?? []).includes(to);
  });
  expect(wrong.map(arrow)).toEqual([]);
});

it('lets only the lab start the other programs of app', () => {
  const wrong = relativeImports.filter(({ file, target }) => {
    if (layerOf(file) !== 'app' || layerOf(target) !== 'app') return false;
    return areaOf(file) !== areaOf(target) && areaOf(file) !== 'lab';
  });
  expect(wrong.map(arrow)).toEqual([]);
});

it('keeps base and core free of the platform', () => {
  const pure = imports.filter(({ file }) => ['base', 'core', 'web'].includes(layerOf(file)));
  const wrong = pure.filter(({ specifier }) => specifier.startsWith('node:') || ['koffi', 'ws'].includes(specifier));
  expect(wrong.map(arrow)).toEqual([]);
});

it('keeps time, timers and randomness out of core', () => {
  const wrong = sourceFiles()
    .filter((file) => layerOf(file) === 'core')
    .filter((file) =>
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\bcrypto\.random/.test(
        readFileSync(join(src, file), 'utf8'),
      ),
    );
  expect(wrong).toEqual([]);
});

it('has no barrel outside the face of an area', () => {
  const faces = /^(?:core\/[^/]+|base\/[^/]+)\/index\.ts$/;
  expect(sourceFiles().filter((file) => file.endsWith('/index.ts') && !faces.test(file))).toEqual([]);
});
