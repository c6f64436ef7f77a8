import { formatFieldError } from '../kube/field-error.ts';
import type { FieldError } from '../kube/field-error.ts';
import { identityProblem } from '../kube/identity.ts';
import { suggest } from '../kube/suggest.ts';
import { unknownFields } from '../kube/unknown-fields.ts';
import type { UnknownField } from '../kube/unknown-fields.ts';
import { segmentsOf } from '../kube/positions.ts';
import { wrongTypes } from '../kube/wrong-types.ts';
import type { WrongType } from '../kube/wrong-types.ts';
import { validateObject } from '../kube/validate/validate-object.ts';
import { isToolSettings } from '../kube/check-manifest.ts';
import type { SchemaCatalogue } from '../kube/check-manifest.ts';
import { templateLine } from '../kube/template-line.ts';
import type { LoadIssue, Manifest } from '../kube/yaml.ts';
import { deprecationOf } from './deprecated.ts';
import type { LintSource } from './lint.ts';
import type { LintMessages } from './messages/catalogue.ts';
import type { Finding, Phrase, Report, RuleMeta } from './model.ts';

/** Rules about single files and objects: what a parser or the API server would refuse. */
export const STRUCTURE_RULES = {
  syntax: { id: 'yaml-syntax', severity: 'error', summary: 'the file is not YAML as kubectl reads it' },
  space: {
    id: 'missing-space',
    severity: 'error',
    summary: 'no space after a colon, so that a field is read as text',
    repairs: true,
  },
  identity: {
    id: 'api-version',
    severity: 'error',
    summary: 'apiVersion or kind is missing, misspelt or does not exist',
    repairs: true,
  },
  deprecated: {
    id: 'deprecated-api-version',
    severity: 'warning',
    summary: 'an API version that current clusters do not serve',
    repairs: true,
  },
  unknown: { id: 'unknown-field', severity: 'error', summary: 'a field that the API does not have', repairs: true },
  invalid: {
    id: 'invalid-value',
    severity: 'error',
    summary: 'a value that the API server refuses',
    repairs: true,
  },
  except: { id: 'except-outside-cidr', severity: 'error', summary: 'an exception that is not inside its block' },
  endPort: { id: 'end-port', severity: 'error', summary: 'endPort below port, or without a numeric port' },
  selector: {
    id: 'selector-syntax',
    severity: 'error',
    summary: 'a Calico selector that is not in the selector language',
  },
  type: {
    id: 'wrong-type',
    severity: 'error',
    summary: 'a value of another type than its field, such as a number for a label',
    repairs: true,
  },
  quoted: {
    id: 'quoted-port',
    severity: 'error',
    summary: 'a port number in quotes, which makes it the name of a port',
    repairs: true,
  },
  suppression: {
    id: 'unknown-rule',
    severity: 'warning',
    summary: 'a comment that turns off a rule which does not exist',
  },
} as const satisfies Record<string, RuleMeta>;

/** What is wrong with a file: every document of it that is no YAML, or once that it is a template of Helm. */
export function syntaxFindings(source: LintSource, words: LintMessages): readonly Finding[] {
  const { file, text, issues } = source;
  const line = templateLine(text, issues);
  if (line === undefined) return issues.map((issue) => syntaxFinding(issue, text));
  const { id, severity } = STRUCTURE_RULES.syntax;
  return [{ id, severity, message: words.helmTemplate(), file, line, column: 1, path: '' }];
}

/** What is wrong with a document that is no YAML. */
function syntaxFinding(issue: LoadIssue, text: string): Finding {
  const { file, line, column, message } = issue;
  const written = text.split('\n')[line - 1] ?? '';
  const word = /^([A-Za-z][A-Za-z0-9]*:)[{[].*[}\]]\s*(?:#.*)?$/u.exec(written.slice(column - 1));
  const { id, severity } = word === null ? STRUCTURE_RULES.syntax : STRUCTURE_RULES.space;
  const place = { id, severity, message, file, line, column, path: '' };
  if (word === null) return place;
  return { ...place, repair: { kind: 'insert-text', line, column: column + word[1]!.length, text: ' ' } };
}

/** A report with the rule that it belongs to. */
export type StructureReport = Report & { readonly rule: RuleMeta };

/** What one object's structure came to. */
export interface Structure {
  readonly reports: readonly StructureReport[];
  /** What the rules about meaning may read, in the current API version; undefined when its values have wrong types. */
  readonly readable: Manifest | undefined;
}

/** Everything that the API server would refuse in the object, and deprecated versions. */
export function checkStructure(manifest: Manifest, schemas: SchemaCatalogue | undefined): Structure {
  const deprecated = deprecationOf(manifest.object);
  if (deprecated === undefined) return checkCurrent(manifest, schemas);
  const report = { ...deprecated, manifest, rule: STRUCTURE_RULES.deprecated };
  const { repair } = deprecated;
  if (repair?.kind !== 'replace-value') return { reports: [report], readable: manifest };
  // Its fields are those of the current version, which says what else is wrong with them.
  const current = checkCurrent({ ...manifest, object: { ...manifest.object, apiVersion: repair.to } }, schemas);
  return { ...current, reports: [report, ...current.reports] };
}

function checkCurrent(manifest: Manifest, schemas: SchemaCatalogue | undefined): Structure {
  const { object } = manifest;
  const identity = identityReport(manifest);
  if (identity !== undefined) return { reports: [identity], readable: undefined };
  const schema = schemas?.ofKind(String(object['apiVersion']), String(object['kind']));
  if (schemas !== undefined && isToolSettings(object, schema)) return { reports: [], readable: undefined };
  const unknown = schema === undefined ? [] : unknownFields(object, schema, (ref) => schemas?.resolve(ref));
  const types = schema === undefined ? [] : wrongTypes(object, schema, (ref) => schemas?.resolve(ref));
  const typed = new Set(types.map(({ path }) => path));
  const errors = validateObject(object).filter(({ path }) => !typed.has(path));
  const reports = [
    ...unknown.map((field) => unknownReport(manifest, field)),
    ...types.map((each) => typeReport(manifest, each)),
    ...errors.map((error) => errorReport(manifest, error)),
  ];
  const unreadable = errors.some(({ type }) => type === 'TypeInvalid') || types.some(({ quotable }) => !quotable);
  return { reports, readable: unreadable ? undefined : withTexts(manifest, types) };
}

function typeReport(manifest: Manifest, { path, message, quotable }: WrongType): StructureReport {
  const repair = quotable ? { repair: { kind: 'quote-value', path } as const } : {};
  return { manifest, rule: STRUCTURE_RULES.type, path, message: () => `${path}: ${message}`, ...repair };
}

/** The object as if what should be text stood in quotes. */
function withTexts(manifest: Manifest, types: readonly WrongType[]): Manifest {
  if (types.length === 0) return manifest;
  const object = JSON.parse(JSON.stringify(manifest.object)) as Record<string, unknown>;
  for (const { path } of types) {
    const way = segmentsOf(path);
    const owner = way.slice(0, -1).reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], object);
    const last = way.at(-1)!;
    (owner as Record<string, unknown>)[last] = String((owner as Record<string, unknown>)[last]);
  }
  return { ...manifest, object };
}

function identityReport(manifest: Manifest): StructureReport | undefined {
  const problem = identityProblem(manifest.object);
  if (problem === undefined) return undefined;
  const { path } = problem;
  const [text = '', hint] = problem.message.split(/; did you mean |; a \w+ is apiVersion: /u);
  const message: Phrase = () => text;
  const rule = STRUCTURE_RULES.identity;
  const written = Object.keys(manifest.object).find((key) => key !== path && key.toLowerCase() === path.toLowerCase());
  if (written !== undefined)
    return {
      manifest,
      rule,
      path: written,
      message,
      suggestion: (m) => m.insteadOf(path, written),
      repair: { kind: 'rename-key', path: written, to: path },
    };
  if (hint === undefined) return { manifest, rule, path, message };
  const value = hint.replace(/\?$/u, '');
  const suggestion = path === 'apiVersion' && manifest.object[path] === undefined ? `apiVersion: ${value}` : value;
  const repair =
    suggestion === value
      ? ({ kind: 'replace-value', path, to: value } as const)
      : ({ kind: 'insert-before', path: 'kind', text: suggestion } as const);
  return { manifest, rule, path, message, suggestion, repair };
}

/** A misspelt name is corrected; a field in the wrong place is for its author to move. */
function unknownReport(manifest: Manifest, { path, name, suggestion }: UnknownField): StructureReport {
  const message: Phrase = (m) => m.unknownField(path);
  const rule = STRUCTURE_RULES.unknown;
  if (suggestion === undefined) return { manifest, rule, path, message };
  const parent = path.slice(0, -name.length);
  const sibling = suggestion.startsWith(parent) ? suggestion.slice(parent.length) : '';
  const plain = sibling !== '' && !/[.[\]]/u.test(sibling) && !isSet(manifest, suggestion);
  return {
    manifest,
    rule,
    path,
    message,
    suggestion: `"${suggestion}"`,
    ...(plain ? { repair: { kind: 'rename-key', path, to: sibling } as const } : {}),
  };
}

function isSet({ object }: Manifest, path: string): boolean {
  return (
    segmentsOf(path).reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object) !=
    null
  );
}

function errorReport(manifest: Manifest, error: FieldError): StructureReport {
  const { path, value } = error;
  const report = { manifest, path, message: () => formatFieldError(error) };
  if (error.type === 'TypeInvalid') return { ...report, rule: STRUCTURE_RULES.type };
  if (/\.except\[\d+\]$/u.test(path) && error.detail.includes('`cidr`'))
    return { ...report, rule: STRUCTURE_RULES.except };
  if (path.endsWith('.endPort')) return { ...report, rule: STRUCTURE_RULES.endPort };
  if (/[sS]elector$/u.test(path) && typeof value === 'string') return { ...report, rule: STRUCTURE_RULES.selector };
  if (/\.(?:port|targetPort|number)$/u.test(path) && typeof value === 'string' && /^\d+$/u.test(value)) {
    const repair = { kind: 'replace-value', path, to: value } as const;
    return { ...report, rule: STRUCTURE_RULES.quoted, suggestion: (m) => m.withoutQuotes(value), repair };
  }
  const meant =
    typeof value === 'string' && error.supported !== undefined ? suggest(value, error.supported) : undefined;
  if (meant === undefined) return { ...report, rule: STRUCTURE_RULES.invalid };
  const repair = { kind: 'replace-value', path, to: meant } as const;
  return { ...report, rule: STRUCTURE_RULES.invalid, suggestion: meant, repair };
}
