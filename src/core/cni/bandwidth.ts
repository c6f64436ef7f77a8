/** What one direction of a pod's traffic may take: bits per second on average, and bits at once after a pause. */
export interface RateLimit {
  readonly rate: number;
  readonly burst: number;
}

/** The capability `bandwidth` (CNI CONVENTIONS.md), as seen from the pod: `ingress` is what it gets. */
export interface Bandwidth {
  readonly ingress?: RateLimit;
  readonly egress?: RateLimit;
}

/** The kernel counts a burst in bytes, in 32 bits; the upstream plugin refuses what does not fit, too. */
const MAX_BURST = (2 ** 32 - 1) * 8;
/** One byte per second. */
const MIN_RATE = 8;

const KNOWN: ReadonlySet<string> = new Set(['ingressRate', 'ingressBurst', 'egressRate', 'egressBurst']);

/**
 * Reads the capability; undefined where nothing is limited. A rate and its burst come together, and 0 is none, as with the
 * upstream plugin. What is wrong goes to `problems`.
 */
export function parseBandwidth(value: unknown, problems: string[]): Bandwidth | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push('bandwidth is not an object');
    return undefined;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const [key, each] of Object.entries(fields))
    if (!KNOWN.has(key) && !isEmpty(each))
      problems.push(`bandwidth.${key} is not supported; the plugin "bandwidth" in the chain may know it`);
  const ingress = parseLimit(fields, 'ingress', problems);
  const egress = parseLimit(fields, 'egress', problems);
  if (ingress === undefined && egress === undefined) return undefined;
  return { ...(ingress === undefined ? {} : { ingress }), ...(egress === undefined ? {} : { egress }) };
}

/** Inverse of {@link parseBandwidth}. */
export function formatBandwidth({ ingress, egress }: Bandwidth): object {
  return {
    ...(ingress === undefined ? {} : { ingressRate: ingress.rate, ingressBurst: ingress.burst }),
    ...(egress === undefined ? {} : { egressRate: egress.rate, egressBurst: egress.burst }),
  };
}

function parseLimit(
  fields: Readonly<Record<string, unknown>>,
  direction: 'ingress' | 'egress',
  problems: string[],
): RateLimit | undefined {
  const before = problems.length;
  const [rateKey, burstKey] = [`${direction}Rate`, `${direction}Burst`];
  const number = (key: string): number => {
    const value = fields[key] ?? 0;
    // Runtimes write 64-bit numbers; what is past JavaScript's whole numbers is no less a limit for that.
    if (typeof value === 'number' && value >= 0 && Number.isInteger(value)) return value;
    problems.push(`bandwidth.${key} ${JSON.stringify(value)} is not a number of bits`);
    return 0;
  };
  const [rate, burst] = [number(rateKey), number(burstKey)];
  if (problems.length > before) return undefined;
  if (rate === 0 && burst === 0) return undefined;
  if (burst === 0) problems.push(`bandwidth.${rateKey} is set, so ${burstKey} must be set, too`);
  else if (rate === 0) problems.push(`bandwidth.${burstKey} is set, so ${rateKey} must be set, too`);
  else if (rate < MIN_RATE) problems.push(`bandwidth.${rateKey} ${rate} is less than a byte per second`);
  else if (burst > MAX_BURST) problems.push(`bandwidth.${burstKey} ${burst} is more than 4 GiB (${MAX_BURST} bits)`);
  return { rate, burst };
}

/** Other runtimes' way to say nothing. */
function isEmpty(value: unknown): boolean {
  return value === null || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}
