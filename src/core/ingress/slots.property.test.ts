import { array, assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import type { Backend } from './model.ts';
import { PLAIN_SETTINGS } from './settings.ts';
import { assignSlots } from './slots.ts';
import type { Slots } from './slots.ts';

function backend(hosts: readonly number[]): Backend {
  const endpoints = hosts.map((each) => ({ host: `10.0.0.${each}`, port: 80 }));
  return { name: 'a', owner: 'x/y', endpoints, settings: PLAIN_SETTINGS };
}

it('keeps every server that stays in its place, and has each once, whatever came before', () => {
  const state = array(integer({ min: 0, max: 40 }), { maxLength: 30 });
  assert(
    property(array(state, { minLength: 1, maxLength: 8 }), (states) => {
      let before: Slots = [];
      for (const hosts of states) {
        const after: Slots = assignSlots([backend(hosts)], new Map([['a', before]])).get('a')!;
        const placed = after.flatMap((slot) => (slot === undefined ? [] : [slot.host]));
        expect(placed.toSorted()).toEqual([...new Set(hosts.map((each) => `10.0.0.${each}`))].sort());
        if (after.length === before.length)
          for (const [place, slot] of before.entries())
            if (slot !== undefined && placed.includes(slot.host)) expect(after[place]).toEqual(slot);
        before = after;
      }
    }),
  );
});
