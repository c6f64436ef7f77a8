import fc from 'fast-check';

/**
 * Properties start from one seed, so that a run that fails is the fault of what was changed. `PROPERTY_SEED=random`
 * looks for cases that nobody has seen; a number repeats what such a run reported.
 */
const DEFAULT_SEED = 20_261_123;

const wanted = process.env['PROPERTY_SEED'] ?? DEFAULT_SEED;
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
