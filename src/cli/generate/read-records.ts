import { readFileSync } from 'node:fs';
import process from 'node:process';
import { SluiceError, messageOf } from '../../base/errors.ts';
import { fileProblem } from '../file-problem.ts';

/** One connection as it was written, every field still text. */
export interface ConnectionRecord {
  /** `file:line`. */
  readonly place: string;
  readonly from: string;
  readonly to: string;
  readonly port: string | undefined;
  readonly protocol: string | undefined;
}

/** The connections of a file, and what is wrong with lines of it. */
export interface ReadRecords {
  readonly records: readonly ConnectionRecord[];
  readonly problems: readonly string[];
  /** Lines that a verdict in them says were denied: nothing to wish for. */
  readonly denied: number;
}

const FIELDS = ['from', 'to', 'port', 'protocol'] as const;

/** Reads JSON lines, or CSV (with a line of column names, or from, to, port, protocol in order); `-` is standard input. */
export function readRecords(path: string): ReadRecords {
  const file = path === '-' ? '(stdin)' : path;
  const lines = readText(path).split('\n');
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const isJson = first.trimStart().startsWith('{');
  const columns = isJson ? undefined : columnsOf(first);
  const records: ConnectionRecord[] = [];
  const problems: string[] = [];
  let denied = 0;
  for (const [index, line] of lines.entries()) {
    const place = `${file}:${index + 1}`;
    if (line.trim() === '' || line.startsWith('#') || (columns?.isHeader === true && line === first)) continue;
    const fields = isJson ? ofJson(line) : ofCsv(line, columns!.names);
    if (typeof fields === 'string') problems.push(`${place}: ${fields}`);
    else if (fields['verdict'] === 'deny') denied++;
    else {
      const record = toRecord(fields, place);
      if (typeof record === 'string') problems.push(`${place}: ${record}`);
      else records.push(record);
    }
  }
  return { records, problems, denied };
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? process.stdin.fd : path, 'utf8');
  } catch (error) {
    throw new SluiceError('no-such-input', `${path}: ${fileProblem(error)}`, {}, error);
  }
}

function columnsOf(first: string): { readonly names: readonly string[]; readonly isHeader: boolean } {
  const names = splitCsv(first).map((each) => each.toLowerCase());
  const isHeader = names.includes('from') && names.includes('to');
  return { names: isHeader ? names : FIELDS, isHeader };
}

function ofCsv(line: string, names: readonly string[]): Record<string, unknown> | string {
  const values = splitCsv(line);
  if (values.length > names.length)
    return `has ${values.length} values for ${names.length} columns (${names.join(', ')})`;
  return Object.fromEntries(names.flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])));
}

function ofJson(line: string): Record<string, unknown> | string {
  try {
    // Some editors begin a file with a byte order mark, which counts as white space.
    const value: unknown = JSON.parse(line.trim());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return 'must be an object with from, to, port and protocol';
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}

function toRecord(fields: Record<string, unknown>, place: string): ConnectionRecord | string {
  const text = (name: (typeof FIELDS)[number]): string | undefined => {
    const value = fields[name] ?? undefined;
    return typeof value === 'number' ? String(value) : typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [from, to] = [text('from'), text('to')];
  if (from === undefined || to === undefined) return `${from === undefined ? 'from' : 'to'} is missing`;
  return { place, from, to, port: text('port'), protocol: text('protocol') };
}

/** The values of a line, those in double quotes with commas and doubled quotes in them. */
function splitCsv(line: string): string[] {
  const values: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g))
    values.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
  return values;
}
