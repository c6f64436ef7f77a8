import { describe, expect, it } from 'vitest';
import { preflight } from './preflight.ts';

describe('preflight', () => {
  it('finds nothing missing on a machine that runs these tests', async () => {
    expect(await preflight({ platform: process.platform, uid: process.getuid!() })).toEqual([]);
  });

  it('works in a user namespace, without real root', async () => {
    expect(await preflight({ platform: 'linux', uid: 1000 })).toEqual([]);
  });

  it('asks for what the backend needs, and names it', async () => {
    const missing = await preflight({ platform: 'linux', uid: process.getuid!(), backend: 'ipip' });
    // This machine's kernel may have it.
    for (const { feature, options, reason } of missing) {
      expect(feature).toContain('IP-in-IP');
      expect(options).toContain('CONFIG_NET_IPIP');
      expect(reason).toMatch(/adding link sl-ip|Unknown device type|ipip/);
    }
    expect(missing.length).toBeLessThanOrEqual(1);
  });

  it('tries macvlan devices for their backend, which most kernels have', async () => {
    const missing = await preflight({ platform: 'linux', uid: process.getuid!(), backend: 'macvlan' });
    for (const { options } of missing) expect(options).toContain('CONFIG_MACVLAN');
  });

  it('says so on another system', async () => {
    const missing = await preflight({ platform: 'darwin', uid: 0 });
    expect(missing.map(({ feature }) => feature)).toEqual(['Linux']);
  });
});
