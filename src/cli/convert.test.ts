import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command } from './commands/convert.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'sluice-convert-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the command prints on both streams, and its exit code. */
async function convert(text: string, output = 'yaml'): Promise<{ out: string; notes: string[]; code: number }> {
  const file = join(folder, 'in.yaml');
  writeFileSync(file, text);
  const [out, notes]: string[][] = [[], []];
  const code = await command.run({
    arguments: [],
    values: { filename: [file], output },
    env: {},
    uid: 0,
    signal: new AbortController().signal,
    print: (line) => out!.push(line),
    note: (line) => notes!.push(line.replace(file, 'in.yaml')),
  });
  return { out: out!.join('\n'), notes: notes!, code };
}

const OLD = 'apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}\n';
const GLOBAL = 'apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: g}\nspec: {}\n';

it('prints what it has converted, and says yes', async () => {
  expect(await convert(OLD)).toEqual({
    out: OLD.replace('extensions/v1beta1', 'networking.k8s.io/v1').trimEnd(),
    notes: [],
    code: 0,
  });
});

it('says no, where and why, when something is left as it was', async () => {
  const { out, notes, code } = await convert(`${OLD}---\n${GLOBAL}`, 'json');
  expect(code).toBe(1);
  expect(notes).toEqual([expect.stringMatching(/^in\.yaml:7:1: not converted: GlobalNetworkPolicy g, kind: /)]);
  expect(JSON.parse(out)).toMatchObject({
    kind: 'List',
    items: [{ apiVersion: 'networking.k8s.io/v1' }, { apiVersion: 'projectcalico.org/v3' }],
  });
});

it('names every place of a file that it cannot read', async () => {
  await expect(convert('a: [')).rejects.toThrow(/in\.yaml:1:\d+: /);
});
