import { flushCompileCache } from 'node:module';

/** By then everything that a program loads at its start is loaded, ms. */
const AFTER = 3000;

/**
 * Writes what Node has compiled to the cache that NODE_COMPILE_CACHE names, once the program has started. Node itself does
 * so only at a regular exit, which a process that is ended together with its namespaces never has; with a full cache a
 * program starts in a third of the time.
 */
export function keepCompileCache(): void {
  setTimeout(flushCompileCache, AFTER).unref();
}
