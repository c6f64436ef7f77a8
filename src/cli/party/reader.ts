import type { LoadIssue, Manifest } from '../../core/kube/yaml.ts';
import { suggest } from '../../core/kube/suggest.ts';

/** Reads the values of one document and collects what is wrong with them, each with its place. */
export class SpecReader {
  readonly issues: LoadIssue[] = [];
  readonly #manifest: Manifest;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** Where the field at `path` stands. */
  at(path: string): { readonly file: string; readonly line: number; readonly column: number } {
    return this.#manifest.locate(path);
  }

  /** Records an issue; returns undefined, for the caller to return. */
  wrong(path: string, message: string): undefined {
    this.issues.push({ ...this.at(path), message: path === '' ? message : `${path}: ${message}` });
  }

  /** The value as an object that has no other fields than `fields`. */
  object(value: unknown, path: string, fields: readonly string[]): Readonly<Record<string, unknown>> | undefined {
    if (!isRecord(value)) return this.wrong(path, `must be an object with ${listed(fields)}`);
    let known = true;
    for (const name of Object.keys(value)) {
      if (fields.includes(name)) continue;
      const near = suggest(name, fields);
      const hint = near === undefined ? `there are ${listed(fields)}` : `did you mean "${near}"?`;
      this.wrong(join(path, name), `unknown field "${name}"; ${hint}`);
      known = false;
    }
    return known ? value : undefined;
  }

  /** The value as a text that is not empty. */
  text(value: unknown, path: string): string | undefined {
    return typeof value === 'string' && value !== '' ? value : this.wrong(path, `must be a text${got(value)}`);
  }

  /** One text, or a list of them. */
  texts(value: unknown, path: string): readonly string[] | undefined {
    if (typeof value === 'string') return [value];
    if (!Array.isArray(value)) return this.wrong(path, `must be a text or a list of texts${got(value)}`);
    const texts = value.map((each: unknown, index) => this.text(each, `${path}[${index}]`));
    return texts.every((each) => each !== undefined) ? texts : undefined;
  }

  /** One of `choices`. */
  choice<T extends string>(value: unknown, path: string, choices: readonly T[]): T | undefined {
    const found = choices.find((each) => each === value);
    if (found !== undefined) return found;
    const near = typeof value === 'string' ? suggest(value, choices) : undefined;
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return this.wrong(path, `must be ${choices.join(', ')}${got(value)}${hint}`);
  }
}

/** Path of a field of the object at `path`. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function got(value: unknown): string {
  if (value === undefined || value === null) return ', and is missing';
  return `, not ${JSON.stringify(value)}`;
}
