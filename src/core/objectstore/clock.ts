/** Everything of the outside that the object store depends on, so that it stays deterministic in tests. */
export interface Surroundings {
  /** RFC 3339 with seconds, UTC (`2026-01-31T12:00:00Z`), shifted by whole seconds if wanted. */
  readonly now: (offsetSeconds?: number) => string;
  /** A fresh RFC 4122 UUID. */
  readonly uuid: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The alphabet of generated names: no vowels, no look-alikes (as in Kubernetes' `rand.String`). */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A random suffix for generated names. */
export function randomSuffix(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}
