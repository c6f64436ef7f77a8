import { networkOf, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { JsonFields } from './json-fields.ts';

/** Fields of one object; what is wrong goes to `problems` and reads as if it was not there. */
export class FieldReader {
  readonly #fields: JsonFields;
  readonly #prefix: string;
  readonly #problems: string[];

  constructor(fields: JsonFields, prefix: string, problems: string[]) {
    this.#fields = fields;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.#of(name) ?? absent;
    if (typeof value !== 'boolean') this.#refuse(name, value, 'true or false');
    return value === true;
  }

  whole(name: string, [least, most]: readonly [number, number], absent: number): number {
    const value = this.#of(name) ?? absent;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.#refuse(name, value, `a whole number from ${least} to ${most}`);
    return absent;
  }

  text(name: string, absent: string): string {
    const value = this.#of(name) ?? absent;
    if (typeof value === 'string') return value;
    this.#refuse(name, value, 'a text');
    return absent;
  }

  /** Must be there. */
  cidr(name: string, family: Family): Cidr | undefined {
    const value = this.#of(name);
    const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
    if (cidr?.ip.family === family) return networkOf(cidr);
    const example = family === 4 ? '10.244.0.0/16' : 'fd00:10:244::/56';
    this.#refuse(name, value, `an IPv${family} CIDR such as ${example}`);
    return undefined;
  }

  /** May be absent. */
  address(name: string, family: Family): Ip | undefined {
    const value = this.#of(name) ?? undefined;
    const ip = typeof value === 'string' ? parseIp(value) : undefined;
    if (ip?.family === family) return ip;
    if (value !== undefined) this.#refuse(name, value, `an IPv${family} address`);
    return undefined;
  }

  #of(name: string): unknown {
    return this.#fields.get(name.toLowerCase());
  }

  #refuse(name: string, value: unknown, wanted: string): void {
    const said = value === undefined || value === null ? 'is missing' : `is ${JSON.stringify(value)}`;
    this.#problems.push(`${this.#prefix}${name} ${said}, must be ${wanted}`);
  }
}
