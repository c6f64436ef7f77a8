import type { BgpProblem } from './types.ts';

/** An object as it came from the cluster or a file. */
export interface BgpObject {
  readonly metadata?: { readonly name?: string };
  readonly spec?: unknown;
}

/** An object in the terms of BGP; without a value it is as if it were not there. */
export interface Read<T> {
  readonly value: T | undefined;
  readonly issues: readonly BgpProblem[];
}

/** Reads fields of one object and remembers what was wrong with them, each with its path. */
export class Fields {
  readonly #object: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly issues: BgpProblem[];

  constructor(object: string, value: unknown, path = 'spec', issues: BgpProblem[] = []) {
    this.#object = object;
    this.#path = path;
    this.issues = issues;
    this.#values = isRecord(value) ? value : {};
    if (value !== undefined && value !== null && !isRecord(value)) this.#report(path, 'must be an object');
  }

  /** Whether the field is there. */
  has(name: string): boolean {
    const value = this.#values[name];
    return value !== undefined && value !== null && value !== '';
  }

  /** The field through `read`, which returns undefined for what it cannot use; absent is undefined without an issue. */
  read<T>(name: string, wanted: string, read: (value: unknown) => T | undefined): T | undefined {
    if (!this.has(name)) return undefined;
    const value = read(this.#values[name]);
    if (value === undefined) this.reject(name, `must be ${wanted}`);
    return value;
  }

  text(name: string): string | undefined {
    return this.read(name, 'a text', (value) => (typeof value === 'string' ? value : undefined));
  }

  flag(name: string): boolean | undefined {
    return this.read(name, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  integer(name: string, least: number, most: number): number | undefined {
    return this.read(name, `a whole number from ${least} to ${most}`, (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
    );
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    return this.read(name, `one of ${values.join(', ')}`, (value) => values.find((each) => each === value));
  }

  /** The items of a list, each through `read`; those that cannot be used are left out. Undefined when there is no list. */
  list<T>(name: string, wanted: string, read: (value: unknown) => T | undefined): readonly T[] | undefined {
    const values = this.#items(name);
    return values?.flatMap((value, index) => {
      const item = read(value);
      if (item === undefined) this.reject(`${name}[${index}]`, `must be ${wanted}`);
      return item === undefined ? [] : [item];
    });
  }

  /** The items of a list of objects. */
  objects(name: string): readonly Fields[] | undefined {
    const values = this.#items(name);
    return values?.map((value, index) => this.#inner(`${name}[${index}]`, value));
  }

  /** The fields of an object in a field; empty when it is absent. */
  object(name: string): Fields {
    return this.#inner(name, this.#values[name]);
  }

  reject(name: string, message: string): undefined {
    this.#report(`${this.#path}.${name}`, message);
  }

  /** Unlike other fields, a list is not left out by writing an empty text. */
  #items(name: string): readonly unknown[] | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    return Array.isArray(value) ? (value as unknown[]) : this.reject(name, 'must be a list');
  }

  #inner(name: string, value: unknown): Fields {
    return new Fields(this.#object, value, `${this.#path}.${name}`, this.issues);
  }

  #report(path: string, message: string): void {
    this.issues.push({ object: this.#object, message: `${path}: ${message}` });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
