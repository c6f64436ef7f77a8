import { suggest } from '../kube/suggest.ts';
import type { LoadIssue, Manifest } from '../kube/yaml.ts';
import { glob } from './glob.ts';
import type { Finding, Severity } from './model.ts';
import { SEVERITIES } from './model.ts';
import { fieldsOf, itemsOf } from './objects.ts';

/** What the user has decided about rules. */
export interface LintSettings {
  /** By rule id; rules that are not here have their own. */
  readonly severity: ReadonlyMap<string, Severity | 'off'>;
  readonly ignore: readonly Exemption[];
}

/** Findings that are not wanted: those that meet every condition. An absent condition is met by all. */
export interface Exemption {
  readonly rules?: readonly string[];
  /** Patterns of files, relative to the configuration; `*` is part of a name, `**` any number of folders. */
  readonly paths?: readonly string[];
  /** Patterns of namespaces and names of objects. */
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
}

/** Every rule as it comes. */
export const DEFAULT_SETTINGS: LintSettings = { severity: new Map(), ignore: [] };

const FIELDS = ['severity', 'ignore'];
const CONDITIONS = ['rules', 'paths', 'namespaces', 'names'] as const;
const LEVELS = [...SEVERITIES, 'off'];

/** Reads a configuration file's only document. With any issue the settings are not to be used. */
export function readSettings(
  document: Manifest,
  ids: readonly string[],
): { readonly settings: LintSettings; readonly issues: readonly LoadIssue[] } {
  const issues: LoadIssue[] = [];
  const report = (path: string, message: string): void => void issues.push({ ...document.locate(path), message });
  const known = (path: string, word: string, words: readonly string[], what: string): boolean => {
    if (words.includes(word)) return true;
    const near = suggest(word, words);
    const hint = near === undefined ? `; there are ${words.join(', ')}` : `; did you mean ${near}?`;
    report(path, `${what} ${JSON.stringify(word)} is not known${hint}`);
    return false;
  };
  for (const name of Object.keys(document.object)) known(name, name, FIELDS, 'the field');
  const severity = new Map<string, Severity | 'off'>();
  for (const [id, value] of Object.entries(fieldsOf(document.object['severity']))) {
    const path = `severity.${id}`;
    // Without quotes, `off` is false in kubectl's YAML.
    const level = value === false ? 'off' : String(value);
    if (known(path, id, ids, 'the rule') && known(path, level, LEVELS, 'the severity'))
      severity.set(id, level as Severity | 'off');
  }
  const ignore = itemsOf(document.object['ignore']).map((item, index) => {
    const path = `ignore[${index}]`;
    const fields = fieldsOf(item);
    if (Object.keys(fields).length === 0) report(path, `needs at least one of ${CONDITIONS.join(', ')}`);
    for (const name of Object.keys(fields)) known(`${path}.${name}`, name, CONDITIONS, 'the field');
    for (const [at, id] of itemsOf(fields['rules']).entries())
      known(`${path}.rules[${at}]`, String(id), ids, 'the rule');
    const given = CONDITIONS.filter((name) => name in fields);
    for (const name of given)
      if (itemsOf(fields[name]).length === 0) report(`${path}.${name}`, 'must be a list with at least one item');
    return Object.fromEntries(given.map((name) => [name, itemsOf(fields[name]).map(String)])) as Exemption;
  });
  return { settings: { severity, ignore }, issues };
}

/** The finding as the settings want it; undefined when they do not want it. `path` is its file, relative to the settings. */
export function applySettings(finding: Finding, { severity, ignore }: LintSettings, path: string): Finding | undefined {
  const level = severity.get(finding.id);
  if (level === 'off' || ignore.some((each) => exempts(each, finding, path))) return undefined;
  return level === undefined ? finding : { ...finding, severity: level };
}

function exempts({ rules, paths, namespaces, names }: Exemption, { id, object }: Finding, path: string): boolean {
  const any = (patterns: readonly string[], text: string): boolean =>
    patterns.some((pattern) => glob(pattern).test(text));
  return (
    (rules?.includes(id) ?? true) &&
    (paths === undefined || any(paths, path)) &&
    (namespaces === undefined || (object !== undefined && any(namespaces, object.namespace ?? 'default'))) &&
    (names === undefined || (object !== undefined && any(names, object.name)))
  );
}
