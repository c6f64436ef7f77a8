import { bgp } from './backends/bgp.ts';
import { scale } from './backends/scale.ts';
import { throughput } from './backends/throughput.ts';
import type { Bench, Figure } from './harness.ts';

/** What is measured, one after the other. To add something: a function here that measures and prints progress by `note`. */
const PARTS: readonly ((note: (text: string) => void) => Promise<readonly Figure[]>)[] = [throughput, scale, bgp];

export const bench: Bench = {
  name: 'backends',
  about: 'the ways between nodes: what they carry, and how fast a node learns of its peers',
  async run(note) {
    const figures: Figure[] = [];
    for (const part of PARTS) figures.push(...(await part(note)));
    return figures;
  },
};
