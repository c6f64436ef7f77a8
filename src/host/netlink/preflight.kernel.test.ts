import { describe, expect, it } from 'vitest';
import { preflight } from './preflight.ts';

describe('preflight', () => {
  it('finds nothing missing on a machine that runs these tests', async () => {
    expect(await preflight({ platform: process.platform, uid: process.getuid!() })).toEqual([]);
  });

  it('works in a user namespace, without real root', async () => {
    expect(await preflight({ platform: 'linux', uid: 1000 })).toEqual([]);
  });

  it('says so on another system', async () => {
    const missing = await preflight({ platform: 'darwin', uid: 0 });
    expect(missing.map(({ feature }) => feature)).toEqual(['Linux']);
  });
});
