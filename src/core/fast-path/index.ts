export { blockKey, hopValue, MAPS, STATE_KEY, stateValue } from './layout.ts';
export type { Hop, Wrapping } from './layout.ts';
export { arrivingProgram, learningProgram, leavingProgram, PREFIX } from './programs.ts';
