import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { vtepMac } from './vtep-mac.ts';

it.each(['node-1', 'ip-10-0-0-7.eu-west-1.compute.internal', 'a'])(
  'derives the address of %s as Calico does',
  (name) => {
    const digest = createHash('sha1').update(name).digest();
    const bytes = [0x66, ...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'));
    expect(vtepMac(name)).toBe(bytes.join(':'));
  },
);
