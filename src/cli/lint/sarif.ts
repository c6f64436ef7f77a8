import { ALL_RULES } from '../../core/lint/index.ts';
import type { Finding } from '../../core/lint/index.ts';
import { fullMessage } from './text.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** Where the pages of the rules are. */
export interface RulePages {
  /** Address of the page, or of the list of all for empty text; undefined when the project has none. */
  uri(id: string): string | undefined;
  /** The page itself; undefined when it is not installed. */
  markdown(id: string): string | undefined;
}

/**
 * The findings as SARIF 2.1.0 (OASIS), for code scanning. Files are told relative to the folder of the run; those outside
 * of it, and standard input, by the name that they have.
 */
export function lintSarif(findings: readonly Finding[], version: string, pages: RulePages): string {
  const index = new Map(ALL_RULES.map(({ id }, position) => [id, position]));
  const rules = ALL_RULES.map(({ id, severity, summary }) => ({
    id,
    name: pascalCase(id),
    shortDescription: { text: `${summary[0]!.toUpperCase()}${summary.slice(1)}.` },
    ...defined('helpUri', pages.uri(id)),
    ...defined('help', help(summary, pages.markdown(id))),
    defaultConfiguration: { level: severity },
  }));
  const results = findings.map((finding) => ({
    ruleId: finding.id,
    ruleIndex: index.get(finding.id) ?? -1,
    level: finding.severity,
    message: { text: fullMessage(finding) },
    locations: [location(finding)],
    partialFingerprints: { 'sluiceLint/v1': fingerprint(finding) },
  }));
  const driver = { name: 'sluice lint', version, ...defined('informationUri', pages.uri('')), rules };
  const run = { tool: { driver }, columnKind: 'utf16CodeUnits', results };
  return JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2);
}

function help(text: string, markdown: string | undefined): { text: string; markdown: string } | undefined {
  return markdown === undefined ? undefined : { text, markdown };
}

function defined<Name extends string>(name: Name, value: unknown): { [name in Name]?: unknown } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]?: unknown });
}

function location({ file, line, column, object, path }: Finding): unknown {
  const physicalLocation = {
    artifactLocation: { uri: fileUri(file) },
    region: { startLine: line, startColumn: column },
  };
  if (object === undefined) return { physicalLocation };
  const name = [object.kind, object.namespace, object.name].filter((each) => each !== undefined).join('/');
  const fullyQualifiedName = path === '' ? name : `${name}:${path}`;
  return { physicalLocation, logicalLocations: [{ name: object.name, fullyQualifiedName, kind: 'resource' }] };
}

/** Stays the same when lines above are added: told by the object and the field, not by the line. */
function fingerprint({ id, file, object, path }: Finding): string {
  return [id, file, object?.kind, object?.namespace, object?.name, path].map((each) => each ?? '').join('|');
}

/** A URI reference: separators stay, everything else is escaped. */
function fileUri(file: string): string {
  const plain = file.replace(/^\.\//u, '').split('/').map(encodeURIComponent).join('/');
  return file.startsWith('/') ? `file://${plain}` : plain;
}

function pascalCase(id: string): string {
  return id
    .split('-')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');
}
