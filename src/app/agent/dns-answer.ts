import { decode } from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';
import { parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';

/** What an answer says of one name. */
export interface LearnedName {
  /** Lower case, without a final dot. */
  readonly name: string;
  /** Those of the names that it is an alias of, too. */
  readonly addresses: readonly Ip[];
  /** How long that holds, in seconds. */
  readonly ttl: number;
}

const UDP = 17;
const UDP_HEADER = 8;
const IPV6_HEADER = 40;
/** Longer chains of aliases are followed no further. */
const LONGEST_CHAIN = 16;

/**
 * The names and addresses of a DNS answer over UDP, given as an IP packet: the name that was asked for and those that it
 * stands for. Nothing for what is no such answer; records that the question does not lead to are not believed.
 */
export function readDnsAnswer(packet: Uint8Array): readonly LearnedName[] {
  const message = udpPayload(packet);
  if (message === undefined) return [];
  let answer: DecodedPacket;
  try {
    answer = decode(Buffer.from(message));
  } catch {
    return [];
  }
  const [question] = answer.questions ?? [];
  if (answer.type !== 'response' || question === undefined) return [];
  return chainFrom(canonical(question.name), answer.answers ?? []);
}

function udpPayload(packet: Uint8Array): Uint8Array | undefined {
  const version = (packet[0] ?? 0) >> 4;
  const [protocol, header] = version === 4 ? [packet[9], ((packet[0] ?? 0) & 0xf) * 4] : [packet[6], IPV6_HEADER];
  if ((version !== 4 && version !== 6) || protocol !== UDP) return undefined;
  return packet.subarray(header + UDP_HEADER);
}

/** Every name of the chain of aliases with the addresses at its end. */
function chainFrom(first: string, records: readonly Answer[]): readonly LearnedName[] {
  const names = [first];
  let ttl = Infinity;
  for (let alias = aliasOf(first, records); alias !== undefined; alias = aliasOf(alias.data, records)) {
    ttl = Math.min(ttl, alias.ttl);
    if (names.includes(alias.data) || names.length === LONGEST_CHAIN) return [];
    names.push(alias.data);
  }
  const addresses: Ip[] = [];
  for (const record of records) {
    if ((record.type !== 'A' && record.type !== 'AAAA') || canonical(record.name) !== names.at(-1)) continue;
    const ip = parseIp(record.data);
    if (ip === undefined) continue;
    addresses.push(ip);
    ttl = Math.min(ttl, record.ttl ?? 0);
  }
  return addresses.length === 0 ? [] : names.map((name) => ({ name, addresses, ttl }));
}

function aliasOf(
  name: string,
  records: readonly Answer[],
): { readonly data: string; readonly ttl: number } | undefined {
  for (const record of records)
    if (record.type === 'CNAME' && canonical(record.name) === name)
      return { data: canonical(record.data), ttl: record.ttl ?? 0 };
  return undefined;
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
