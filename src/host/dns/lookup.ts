import { Resolver } from 'node:dns/promises';
import { messageOf } from '../../base/errors.ts';

/** What a name stands for. */
export type NameAnswer =
  /** Addresses as text, and for how many seconds they hold. */
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly ttl: number }
  /** There is no such name, or it has no address. */
  | { readonly kind: 'absent' }
  /** Nobody could be asked, or nobody knows now. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks for the addresses of a name, those of IPv4 where it has any, else those of IPv6; `servers` as `address` or `address:port`. */
export type Lookup = (name: string, servers: readonly string[]) => Promise<NameAnswer>;

/** One try, milliseconds, and how many. */
const TIMEOUT = 2000;
const TRIES = 3;

/** Asks name servers, or those of this machine when none are given. Never rejects. */
export const lookup: Lookup = async (name, servers) => {
  const resolver = new Resolver({ timeout: TIMEOUT, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  try {
    const four = await resolver.resolve4(name, { ttl: true }).catch(emptyWhenAbsent);
    const records = four.length > 0 ? four : await resolver.resolve6(name, { ttl: true }).catch(emptyWhenAbsent);
    if (records.length === 0) return { kind: 'absent' };
    const addresses = records.map(({ address }) => address).sort();
    return { kind: 'found', addresses, ttl: Math.min(...records.map(({ ttl }) => ttl)) };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
};

function emptyWhenAbsent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
  throw error;
}
