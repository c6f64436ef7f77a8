import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseManifests } from '../../core/kube/yaml.ts';
import { lint, repair } from '../../core/lint/index.ts';
import { manifestSchemas } from '../schemas.ts';

const ROOT = join(import.meta.dirname, '../../..');
const schemas = manifestSchemas();

/** Every wrong example of the rules' pages, and the examples with their mistakes. */
const TEXTS = [
  ...globSync('docs/lint/*.md', { cwd: ROOT }).flatMap(
    (file) => /```yaml\n([\s\S]*?)```/u.exec(readFileSync(join(ROOT, file), 'utf8'))?.[1] ?? [],
  ),
  ...globSync('examples/**/*.yaml', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8')),
];

/** What goes wrong when people edit: lines go, come twice, move, lose characters, or get others. */
const slip = fc.record({
  kind: fc.constantFrom('drop', 'repeat', 'indent', 'outdent', 'cut', 'insert', 'comment'),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  text: fc.constantFrom('-', ': ', '"', '{}', '[', 'null', '# x', '&a ', '\t', '\r', ' x'),
});

function apply(text: string, { kind, at, text: given }: { kind: string; at: number; text: string }): string {
  const lines = text.split('\n');
  const index = Math.floor(at * lines.length);
  const line = lines[index]!;
  const column = Math.floor(at * 97) % (line.length + 1);
  const changed = {
    drop: [],
    repeat: [line, line],
    indent: [`  ${line}`],
    outdent: [line.replace(/^ {2}/u, '')],
    cut: [line.slice(0, column) + line.slice(column + 1)],
    insert: [line.slice(0, column) + given + line.slice(column)],
    comment: [`${line} # note`],
  }[kind]!;
  return lines.toSpliced(index, 1, ...changed).join('\n');
}

function source(text: string) {
  return { file: 'f.yaml', text, ...parseManifests(text, 'f.yaml') };
}

it('reads whatever it is given, repairs it once and for all, and makes nothing worse', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TEXTS), fc.array(slip, { maxLength: 4 }), (text, slips) => {
      const given = source(slips.reduce(apply, text));
      const before = lint([given], { schemas });
      const first = repair([given], { schemas });
      const [after] = first.sources as [typeof given];
      expect(after.issues.length, after.text).toBeLessThanOrEqual(given.issues.length);
      const errors = (findings: typeof before): number =>
        findings.filter(({ severity }) => severity === 'error').length;
      if (after.issues.length === given.issues.length) expect(after.manifests.length).toBe(given.manifests.length);
      expect(repair([source(after.text)], { schemas }).sources[0]!.text).toBe(after.text);
      // A file that reads now shows mistakes which could not be seen before.
      if (given.issues.length === 0 && before.every(({ id }) => id !== 'api-version'))
        expect(errors(first.findings), `${given.text}\nbecame\n${after.text}`).toBeLessThanOrEqual(errors(before));
    }),
    { numRuns: 300 },
  );
});
