import type { Answer, DecodedPacket, Packet } from 'dns-packet';
import {
  AUTHORITATIVE_ANSWER,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  decode,
  encode,
} from 'dns-packet';
import type { DnsRecord } from './answer.ts';
import { answer } from './answer.ts';
import type { DnsView } from './zone.ts';

/** Seconds that answers may be kept: CoreDNS' default for the cluster's zone. */
const TTL = 5;
/** Response codes (RFC 1035 §4.1.1); dns-packet reads them from the low four bits of the flags. */
const RCODE = { formatError: 1, noSuchName: 3, notImplemented: 4 } as const;
/** Largest answer over UDP to a client that does not say otherwise, and to one that says anything. */
const PLAIN_LIMIT = 512;
const LARGEST_LIMIT = 4096;

/** The answer to one message, or undefined for what is no question. `limit` is the transport's, in bytes. */
export function respond(view: DnsView, message: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined {
  let query: DecodedPacket;
  try {
    query = decode(message);
  } catch {
    return undefined;
  }
  if (query.type !== 'query') return undefined;
  const response = responseTo(view, query);
  const encoded = encode(response);
  const limit = transport === 'tcp' ? 65_535 : udpLimit(query);
  if (encoded.length <= limit) return encoded;
  return encode({
    ...response,
    flags: (response.flags ?? 0) | TRUNCATED_RESPONSE,
    answers: [],
    authorities: [],
    additionals: edns(query),
  });
}

function responseTo(view: DnsView, query: DecodedPacket): Packet {
  const { id, questions = [], opcode } = query as DecodedPacket & { readonly opcode?: string };
  const base = {
    type: 'response' as const,
    ...(id === undefined ? {} : { id }),
    questions,
    answers: [],
    authorities: [],
    additionals: edns(query),
  };
  const echoed = (query.flags ?? 0) & RECURSION_DESIRED;
  const [question, ...more] = questions;
  if (opcode !== undefined && opcode !== 'QUERY') return { ...base, flags: echoed | RCODE.notImplemented };
  if (question === undefined || more.length > 0) return { ...base, flags: echoed | RCODE.formatError };
  const { kind, authoritative, answers, additionals } = answer(view, question.name, question.type);
  const flags =
    echoed |
    RECURSION_AVAILABLE |
    (authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (kind === 'no-such-name' ? RCODE.noSuchName : 0);
  return {
    ...base,
    flags,
    answers: answers.map(toAnswer),
    authorities: answers.length === 0 && authoritative ? [soa(view.domain)] : [],
    additionals: [...additionals.map(toAnswer), ...edns(query)],
  };
}

function toAnswer(record: DnsRecord): Answer {
  return { ...record, ttl: TTL } as Answer;
}

/** What lets resolvers keep "there is no such thing" for a while (RFC 2308). */
function soa(domain: string): Answer {
  return {
    type: 'SOA',
    name: domain,
    ttl: TTL,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: TTL,
    },
  };
}

function edns({ additionals = [] }: DecodedPacket): Answer[] {
  if (!additionals.some(({ type }) => type === 'OPT')) return [];
  return [{ type: 'OPT', name: '.', udpPayloadSize: LARGEST_LIMIT, flags: 0, options: [] } as unknown as Answer];
}

function udpLimit({ additionals = [] }: DecodedPacket): number {
  const opt = additionals.find(({ type }) => type === 'OPT') as { readonly udpPayloadSize?: number } | undefined;
  return Math.max(PLAIN_LIMIT, Math.min(opt?.udpPayloadSize ?? PLAIN_LIMIT, LARGEST_LIMIT));
}
