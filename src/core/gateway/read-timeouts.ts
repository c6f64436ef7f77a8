import type { Settings } from '../ingress/settings.ts';
import { parseDuration } from './duration.ts';
import type { Problem } from './read-filters.ts';
import { printable } from './read-match.ts';
import type { HttpRouteRule } from './types.ts';

/** What timeouts of a rule come to for the proxy. */
export type TimeoutSettings = Pick<Settings, 'responseTimeout' | 'connecting' | 'deadline'>;

/** The longest wait that the proxy can be told, milliseconds: its way of saying that there is no end. */
const NO_TIMEOUT = 2_073_600_000;

/** What the proxy does without timeouts of a rule: milliseconds for one connection, and how often it tries again. */
const USUAL = { connect: 5000, retries: 3 };

/**
 * Reads the timeouts of a rule; zero means none. The time to find a server that takes the connection is part of both: no
 * more attempts are made than fit into the whole.
 */
export function readTimeouts({ timeouts = {} }: HttpRouteRule): TimeoutSettings | Problem {
  const texts = [timeouts.request, timeouts.backendRequest];
  const [request, attempt] = texts.map((text) => (text === undefined ? undefined : parseDuration(text)));
  const strange = [request, attempt].findIndex((value, at) => value === undefined && texts[at] !== undefined);
  if (strange !== -1) return unsupported(`a timeout is no duration: ${printable(texts[strange] ?? '')}`);
  if (request === undefined && attempt === undefined) return {};
  const [whole, single] = [request || NO_TIMEOUT, attempt || NO_TIMEOUT];
  if ((attempt ?? 0) > whole)
    return unsupported(
      `timeouts.backendRequest, ${timeouts.backendRequest}, is longer than request, ${timeouts.request}`,
    );
  const responseTimeout = Math.min(NO_TIMEOUT, whole, single);
  if (responseTimeout === NO_TIMEOUT) return { responseTimeout };
  const timeout = Math.max(1, Math.min(USUAL.connect, single, Math.floor(whole / 2)));
  const retries = Math.max(0, Math.min(USUAL.retries, Math.floor(whole / timeout) - 1));
  return { responseTimeout, connecting: { timeout, retries }, ...(whole === NO_TIMEOUT ? {} : { deadline: whole }) };
}

function unsupported(problem: string): Problem {
  return { reason: 'UnsupportedValue', problem };
}
