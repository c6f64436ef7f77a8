import type { SchemaCatalogue } from '../kube/check-manifest.ts';
import { suggest } from '../kube/suggest.ts';
import type { LoadIssue, Manifest } from '../kube/yaml.ts';
import { LintCluster } from './lint-cluster.ts';
import { messagesIn } from './messages/catalogue.ts';
import type { LintMessages } from './messages/catalogue.ts';
import type { Language } from '../policy/index.ts';
import type { Finding, PlacedRepair, Repair, Report, RuleMeta } from './model.ts';
import { identityOf, refOf } from './objects.ts';
import { ALL_RULES, CLUSTER_RULES } from './rules.ts';
import { applySettings, DEFAULT_SETTINGS } from './settings.ts';
import type { LintSettings } from './settings.ts';
import { checkStructure, STRUCTURE_RULES, syntaxFindings } from './structure.ts';
import { readSuppressions } from './suppressions.ts';

/** A file that was read. */
export interface LintSource {
  readonly file: string;
  readonly text: string;
  readonly manifests: readonly Manifest[];
  readonly issues: readonly LoadIssue[];
}

/** What findings depend on besides the files. */
export interface LintOptions {
  /** Without them, names of fields are not checked. */
  readonly schemas?: SchemaCatalogue;
  readonly settings?: LintSettings;
  /** Objects that exist beside the files, such as those of a cluster: they are asked, and nothing is said about them. */
  readonly context?: readonly Manifest[];
  /** A file's path for the patterns of the settings; by default as it is. */
  readonly relative?: (file: string) => string;
  /** Of the messages; English by default. */
  readonly language?: Language;
}

/** Everything that is wrong with the files, or probably not meant, in their order and that of their lines. */
export function lint(sources: readonly LintSource[], options: LintOptions = {}): readonly Finding[] {
  const { schemas, context = [], settings = DEFAULT_SETTINGS, relative = (file) => file } = options;
  const words = messagesIn(options.language ?? 'en');
  const findings: Finding[] = [];
  const broken = new Map<Manifest, readonly Report[]>();
  const readable: Manifest[] = [];
  const own = new Set<Manifest>();
  for (const source of sources) {
    findings.push(...syntaxFindings(source, words));
    for (const manifest of source.manifests) {
      const structure = checkStructure(manifest, schemas);
      for (const report of structure.reports) findings.push(place(report, report.rule, words));
      if (structure.readable === undefined) continue;
      readable.push(structure.readable);
      own.add(structure.readable);
      const errors = structure.reports.filter(({ rule }) => rule.severity === 'error');
      if (errors.length > 0) broken.set(structure.readable, errors);
    }
  }
  const cluster = new LintCluster([...readable, ...besides(context, readable)]);
  for (const rule of CLUSTER_RULES) {
    if (settings.severity.get(rule.id) === 'off') continue;
    for (const report of rule.check(cluster))
      if (own.has(report.manifest) && !isMoot(report, rule, broken.get(report.manifest)))
        findings.push(place(report, rule, words));
  }
  return order(sources, filter(sources, findings, settings, relative, words));
}

/**
 * What the API server refuses is put right first, since the meaning of the rest may then be another. That a part has no
 * meaning is worth saying all the same, unless it is the part in question.
 */
function isMoot({ path }: Report, { id }: RuleMeta, errors: readonly Report[] | undefined): boolean {
  if (errors === undefined || id !== 'not-understood') return errors !== undefined;
  return errors.some((each) => each.path.startsWith(path) || path.startsWith(each.path));
}

/** What exists and is not about to be replaced by an object of the files. */
function besides(context: readonly Manifest[], own: readonly Manifest[]): readonly Manifest[] {
  const replaced = new Set(context.length === 0 ? [] : own.map(({ object }) => identityOf(object)));
  return context.filter(({ object }) => !replaced.has(identityOf(object)));
}

function place(
  { manifest, path, message, suggestion, repair, severity }: Report,
  rule: RuleMeta,
  words: LintMessages,
): Finding {
  return {
    id: rule.id,
    severity: severity ?? rule.severity,
    message: message(words),
    ...manifest.locate(path),
    object: refOf(manifest.object),
    path,
    ...(suggestion === undefined
      ? {}
      : { suggestion: typeof suggestion === 'string' ? suggestion : suggestion(words) }),
    ...(repair === undefined ? {} : { repair: placeRepair(manifest, repair) }),
  };
}

function placeRepair(manifest: Manifest, repair: Repair): PlacedRepair {
  if (repair.kind === 'insert-text') return repair;
  const { line, column } = manifest.locate(repair.path);
  return { ...repair, line, column };
}

function filter(
  sources: readonly LintSource[],
  findings: readonly Finding[],
  settings: LintSettings,
  relative: (file: string) => string,
  words: LintMessages,
): Finding[] {
  const suppressions = new Map(sources.map(({ file, text }) => [file, readSuppressions(text)]));
  const ids = ALL_RULES.map(({ id }) => id);
  const unknown = [...suppressions].flatMap(([file, { mentioned }]) =>
    mentioned.filter(({ id }) => !ids.includes(id)).map((each) => unknownRule(file, each, ids, words)),
  );
  return [...findings, ...unknown].flatMap((finding) => {
    if (suppressions.get(finding.file)?.covers(finding.id, finding.line) === true) return [];
    return applySettings(finding, settings, relative(finding.file)) ?? [];
  });
}

function unknownRule(
  file: string,
  { id, line, column }: { readonly id: string; readonly line: number; readonly column: number },
  ids: readonly string[],
  words: LintMessages,
): Finding {
  const rule = STRUCTURE_RULES.suppression;
  const suggestion = suggest(id, ids);
  const message = words.unknownRule(id);
  const { id: own, severity } = rule;
  return {
    id: own,
    severity,
    message,
    file,
    line,
    column,
    path: '',
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

/** Rules that say more about the same place, by the rule that then has nothing to add. */
const SAID_BY: Readonly<Record<string, readonly string[]>> = {
  'peer-matches-nothing': ['and-for-or', 'or-for-and', 'namespace-label-on-pods', 'contradictory-selector'],
  'policy-selects-nothing': ['namespace-label-on-pods', 'contradictory-selector'],
  'unreachable-service': ['service-target-port'],
};

/** By file, line and column; the same thing is said once. */
function order(sources: readonly LintSource[], findings: readonly Finding[]): readonly Finding[] {
  const rank = new Map(sources.map(({ file }, index) => [file, index]));
  const sorted = findings.toSorted(
    (a, b) =>
      (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) ||
      a.line - b.line ||
      a.column - b.column ||
      (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
  const at = ({ file, line, column }: Finding, id: string): string => [file, line, column, id].join('\0');
  const said = new Set(sorted.map((each) => at(each, each.id)));
  const seen = new Set<string>();
  return sorted.filter((finding) => {
    const { id, message } = finding;
    const key = at(finding, `${id}\0${message}`);
    if (seen.has(key) || (SAID_BY[id] ?? []).some((other) => said.has(at(finding, other)))) return false;
    seen.add(key);
    return true;
  });
}
