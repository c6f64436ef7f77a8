import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtPlugin } from './plugin-executable.test-support.ts';

interface Observed {
  readonly result: { readonly ips: readonly { address: string }[]; readonly cniVersion: string };
  readonly page: string;
  readonly qdisc: string;
  readonly cachedWhileUp: readonly string[];
  readonly cachedAfter: readonly string[];
  readonly natAfter: string;
  readonly linksAfter: boolean;
  readonly unknownCheck: unknown;
  readonly undone: unknown;
  readonly callsOfFirst: readonly string[];
  readonly callsOfUndone: readonly string[];
  readonly linksAfterUndone: boolean;
  readonly incompatible: unknown;
  readonly gcCalls: readonly string[];
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

describe('the plugin in a chain with upstream portmap and bandwidth', () => {
  let seen: Observed;
  beforeAll(() => {
    const isolation = [
      ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
      '--net',
      '--mount',
      '--propagation',
      'private',
    ];
    const script = join(import.meta.dirname, 'chain.test-support.ts');
    const shell = `mount -t tmpfs none /run/netns 2>/dev/null || { mount -t tmpfs none /run && mkdir /run/netns; }
      mount -t sysfs none /sys && exec "$@"`;
    const command = ['sh', '-c', shell, 'sh', process.execPath, script, dirname(builtPlugin())];
    seen = JSON.parse(execFileSync('unshare', [...isolation, ...command], { encoding: 'utf8' })) as Observed;
  });

  it('serves a host port and limits bandwidth', () => {
    expect(seen.result).toMatchObject({ cniVersion: '1.0.0', ips: [{ address: '10.244.0.5/32' }] });
    expect(seen.page).toBe('through the chain');
    expect(seen.qdisc).toMatch(/tbf .* rate 8Mbit/);
  });

  it('removes everything by DEL, also when the namespace is gone, and again without complaint', () => {
    expect(seen).toMatchObject({ natAfter: '0', linksAfter: false });
    expect(seen.cachedWhileUp).toEqual(['k8s-pod-network-c1-eth0']);
    expect(seen.callsOfFirst).toEqual(['ADD c1', 'CHECK', 'DEL', 'DEL']);
    expect(seen.unknownCheck).toMatchObject({ code: 3 });
  });

  it('is undone when a later plugin fails, and says which', () => {
    expect(seen.undone).toMatchObject({ message: expect.stringMatching(/^plugin portmap ADD: /) });
    expect(seen.callsOfUndone).toEqual(['ADD c1', 'DEL']);
    expect(seen.linksAfterUndone).toBe(false);
  });

  it('fails with the code of the specification when a plugin does not speak the version', () => {
    expect(seen.incompatible).toMatchObject({ code: 1, message: expect.stringMatching(/^plugin portmap ADD: /) });
  });

  it('collects attachments that the runtime no longer has', () => {
    expect(seen.gcCalls).toEqual(['DEL']);
    expect(seen.cachedAfter).toEqual([]);
  });

  it('reports the versions of every plugin', () => {
    expect(seen.versions['sluice']).toContain('1.1.0');
    expect(seen.versions['portmap']).toContain('1.0.0');
  });
});
