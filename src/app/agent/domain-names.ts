import { messageOf } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { Delta } from '../../core/calc/model.ts';
import { DNS_GROUP } from '../../core/nft/dns-answers.ts';
import { domainMatches } from '../../core/policy/domain-name.ts';
import type { Policy } from '../../core/policy/model.ts';
import { flowKeyOf } from '../../host/conntrack/port.ts';
import type { Conntrack } from '../../host/conntrack/port.ts';
import type { PacketCopies } from '../../host/nflog/port.ts';
import { readDnsAnswer } from './dns-answer.ts';
import type { PacketFilter } from './packet-filter.ts';
import type { TextStore } from './text-file.ts';

export interface DomainNamesDependencies {
  readonly conntrack: Pick<Conntrack, 'dumpInBackground'>;
  /** DNS answers that pods get. */
  readonly copies: PacketCopies;
  /** Keeps what was learned between two lives of the agent. */
  readonly store: TextStore;
  /** Policies of every API. */
  readonly policies: () => Iterable<Policy>;
  readonly filter: Pick<PacketFilter, 'applyNow'>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Programs use addresses for longer than the answer says; less than this is never believed, milliseconds. */
const LEAST = 60_000;
/** Bounds what a name with ever new addresses can cost. */
const MOST_ADDRESSES = 1000;

/**
 * What the names stand for that policies on this node speak of, learned from the answers that pods get. An address is
 * forgotten when its time is over and no connection uses it any more.
 */
export class DomainNames {
  readonly #dependencies: DomainNamesDependencies;
  /** By name, the time when each address is no longer believed. */
  readonly #names = new Map<string, Map<string, { readonly ip: Ip; readonly until: number }>>();
  #patterns: readonly string[] | undefined;

  constructor(dependencies: DomainNamesDependencies) {
    this.#dependencies = dependencies;
    for (const [name, ip, until] of readSaved(dependencies.store.load())) this.#keep(name, ip, until);
  }

  /** Addresses by name, as policy is judged. */
  get addresses(): ReadonlyMap<string, readonly Ip[]> {
    return new Map([...this.#names.keys()].map((name) => [name, this.#addressesOf(name)]));
  }

  /** Everything that is known now, for a new calculation. */
  snapshot(): Delta[] {
    return [...this.addresses].map(([key, value]) => ({ kind: 'domain', key, value }));
  }

  /** Policies speak of other names now. */
  policiesChanged(): void {
    this.#patterns = undefined;
  }

  /** Learns from the answers that pods get, until it is disposed. */
  listen(): Disposable {
    const { copies, log } = this.#dependencies;
    try {
      return copies.listen(DNS_GROUP, (packet) => this.learn(packet));
    } catch (error) {
      log.error('cannot see DNS answers: domain names in policies stand for nothing', { error: messageOf(error) });
      return new DisposableStack();
    }
  }

  /** Takes in a DNS answer, as an IP packet. */
  learn(packet: Uint8Array): void {
    let news = false;
    for (const { name, addresses, ttl } of readDnsAnswer(packet)) {
      if (!this.#isWanted(name)) continue;
      const until = this.#dependencies.now() + Math.max(LEAST, ttl * 1000);
      const added = addresses.filter((ip) => this.#keep(name, ip, until));
      if (added.length === 0) continue;
      this.#dependencies.filter.applyNow({ kind: 'domain', key: name, value: this.#addressesOf(name) });
      news = true;
    }
    if (news) this.#save();
  }

  /** Forgets what is over and not in use. */
  async expire(): Promise<void> {
    const now = this.#dependencies.now();
    const over = [...this.#names].flatMap(([name, known]) =>
      [...known.values()].flatMap(({ ip, until }) => (until < now ? [{ name, ip }] : [])),
    );
    if (over.length === 0) return;
    const inUse = await this.#inUse(over.map(({ ip }) => ip));
    if (inUse === undefined) return;
    const changed = new Set<string>();
    for (const { name, ip } of over) {
      const wanted = this.#isWanted(name) && inUse.has(flowKeyOf(ip));
      if (wanted) this.#keep(name, ip, now + LEAST);
      else if (this.#names.get(name)?.delete(formatIp(ip)) === true) changed.add(name);
    }
    for (const name of changed) {
      const value = this.#addressesOf(name);
      if (value.length === 0) this.#names.delete(name);
      this.#dependencies.filter.applyNow({ kind: 'domain', key: name, value: value.length === 0 ? undefined : value });
    }
    this.#save();
  }

  /** Which of the addresses connections go to; undefined, and logged, when nobody can tell. */
  async #inUse(addresses: readonly Ip[]): Promise<ReadonlySet<string> | undefined> {
    const { conntrack, log } = this.#dependencies;
    try {
      const flows = await conntrack.dumpInBackground({ addresses: new Set(addresses.map(flowKeyOf)) });
      return new Set(flows.map(({ reply }) => flowKeyOf(reply.source)));
    } catch (error) {
      log.warn('cannot tell which addresses of domain names are in use', { error: messageOf(error) });
      return undefined;
    }
  }

  /** Whether the address is new. */
  #keep(name: string, ip: Ip, until: number): boolean {
    const known = this.#names.get(name) ?? new Map<string, { readonly ip: Ip; readonly until: number }>();
    const key = formatIp(ip);
    const before = known.get(key);
    if (before === undefined && known.size >= MOST_ADDRESSES) return false;
    this.#names.set(name, known.set(key, { ip, until: Math.max(until, before?.until ?? 0) }));
    return before === undefined;
  }

  #addressesOf(name: string): readonly Ip[] {
    return [...(this.#names.get(name)?.values() ?? [])].map(({ ip }) => ip);
  }

  #isWanted(name: string): boolean {
    this.#patterns ??= [...new Set(patternsOf(this.#dependencies.policies()))];
    return this.#patterns.some((pattern) => domainMatches(pattern, name));
  }

  #save(): void {
    const entries = [...this.#names].flatMap(([name, known]) =>
      [...known].map(([address, { until }]) => [name, address, until]),
    );
    this.#dependencies.store.save(JSON.stringify(entries));
  }
}

function* patternsOf(policies: Iterable<Policy>): Generator<string> {
  for (const { egress } of policies)
    for (const { peers } of egress)
      if (peers !== 'any') for (const peer of peers) if (peer.kind === 'domain') yield peer.pattern;
}

/** What cannot be read was never learned: the next answer tells it again. */
function readSaved(text: string | undefined): [name: string, ip: Ip, until: number][] {
  try {
    const entries = JSON.parse(text ?? '[]') as [string, string, number][];
    return entries.flatMap(([name, address, until]): [string, Ip, number][] => {
      const ip = parseIp(address);
      return ip === undefined ? [] : [[name, ip, until]];
    });
  } catch {
    return [];
  }
}
