import { SluiceError, messageOf } from '../../base/errors.ts';
import type { DirectionVerdict } from '../../core/policy/flow.ts';
import type { Judge, Question } from '../judge.ts';
import { findPlace, type Place } from '../place.ts';
import { portJson } from './answer-json.ts';
import { readPort, readProtocol } from './port-text.ts';
import { sideJson } from './side-json.ts';

/** Names that are kept found; beyond that many different ones they are looked up anew. */
const KNOWN_PLACES = 100_000;

/** Answers lines of JSON `{"from","to","port","protocol"}`, each with one of its own; the last two are optional. */
export class Batch {
  readonly #judge: Judge;
  readonly #namespace: string;
  readonly #places = new Map<string, Place>();
  /** Verdicts are made once for each rule, and so is their text. */
  readonly #sides = new WeakMap<DirectionVerdict, string>();
  /** Lines that could not be answered. */
  bad = 0;
  /** Lines whose answer is no. */
  denied = 0;
  #line = 0;

  constructor(judge: Judge, namespace: string) {
    this.#judge = judge;
    this.#namespace = namespace;
  }

  /** The answer to one line, or an object with `error`; undefined for an empty line. */
  answer(line: string): string | undefined {
    this.#line++;
    if (line.trim() === '') return undefined;
    let given: Record<string, unknown> = {};
    try {
      given = readObject(line);
      return this.#answer(given);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.bad++;
      const { from, to, port, protocol } = given;
      return JSON.stringify({ from, to, port, protocol, line: this.#line, error: messageOf(error) });
    }
  }

  #answer(given: Record<string, unknown>): string {
    const protocol = readProtocol(text(given['protocol'] ?? 'TCP', 'protocol'));
    const port = readPortField(given['port']);
    if (port === undefined && protocol !== 'ICMP') throw bad('port is missing');
    if (port !== undefined && protocol === 'ICMP') throw bad('ICMP has no ports; leave port out');
    const [from, to] = [text(given['from'], 'from'), text(given['to'], 'to')];
    const question: Question = { from: this.#find(from), to: this.#find(to), protocol, port, family: undefined };
    const { allowed, outcomes } = this.#judge.judge(question);
    const { verdict } = outcomes[0]!;
    if (!allowed) this.denied++;
    const isMixed = outcomes.some((each) => each.verdict.allowed !== verdict.allowed);
    const head = JSON.stringify({ from, to, port: port === undefined ? null : portJson(port), protocol });
    const mixed = isMixed ? ',"mixed":true' : '';
    const [ingress, egress] = [this.#side(verdict.ingress), this.#side(verdict.egress)];
    return `${head.slice(0, -1)},"verdict":"${allowed ? 'allow' : 'deny'}"${mixed},"ingress":${ingress},"egress":${egress}}`;
  }

  #find(name: string): Place {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const found = findPlace(name, this.#judge.engine.state, this.#namespace);
    if (this.#places.size >= KNOWN_PLACES) this.#places.clear();
    this.#places.set(name, found);
    return found;
  }

  #side(side: DirectionVerdict): string {
    const known = this.#sides.get(side);
    if (known !== undefined) return known;
    const json = JSON.stringify(sideJson(side));
    this.#sides.set(side, json);
    return json;
  }
}

function readObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    // Some editors begin a file with a byte order mark, which counts as white space.
    value = JSON.parse(line.trim());
  } catch (error) {
    throw bad(`not JSON: ${messageOf(error)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw bad('a line must be an object with from, to, port and protocol');
}

function readPortField(value: unknown): Question['port'] {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' || typeof value === 'string') return readPort(String(value));
  throw bad('port must be a number, a range such as "80-90", or a name');
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw bad(value === undefined ? `${field} is missing` : `${field} must be text`);
}

function bad(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
