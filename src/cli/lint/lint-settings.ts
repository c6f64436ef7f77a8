import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { formatLoadIssue } from '../../core/kube/check-manifest.ts';
import { parseManifests } from '../../core/kube/yaml.ts';
import { ALL_RULES, DEFAULT_SETTINGS, readSettings } from '../../core/lint/index.ts';
import type { LintSettings } from '../../core/lint/index.ts';
import { fileProblem } from '../file-problem.ts';

/** Name of the configuration file, looked for in the working directory and the folders above it. */
export const SETTINGS_FILE = '.sluice-lint.yaml';

/** Settings and how paths look from where they are. */
export interface LoadedSettings {
  readonly settings: LintSettings;
  readonly relative: (file: string) => string;
}

/** Reads the file of `--config`, or the nearest one; without any the rules are as they come. Throws `bad-config`. */
export function loadSettings(given: string | undefined, cwd: string): LoadedSettings {
  const file = given ?? nearest(cwd);
  if (file === undefined) return { settings: DEFAULT_SETTINGS, relative: (path) => relative(cwd, resolve(cwd, path)) };
  const { manifests, issues } = parseManifests(readText(file), file);
  const [document, second] = manifests;
  const folder = dirname(resolve(cwd, file));
  const result = document === undefined ? { settings: DEFAULT_SETTINGS, issues: [] } : readSettings(document, IDS);
  const found = [...issues, ...result.issues];
  if (second !== undefined) found.push({ ...second.locate(''), message: 'a configuration is one document' });
  if (found.length > 0) throw new SluiceError('bad-config', found.map(formatLoadIssue).join('\n'));
  return { settings: result.settings, relative: (path) => relative(folder, resolve(cwd, path)) };
}

const IDS = ALL_RULES.map(({ id }) => id);

function nearest(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, SETTINGS_FILE);
    if (existsSync(file)) return file;
    if (existsSync(join(folder, '.git')) || folder === dirname(folder)) return undefined;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError('bad-config', `--config ${file}: ${fileProblem(error)}`);
  }
}
