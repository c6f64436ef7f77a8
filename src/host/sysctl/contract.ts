import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import type { Sysctl } from './sysctl.ts';

/** What every {@link Sysctl} does. `open` gives one in which `net/ipv4/ip_forward` exists and may be written. */
export function sysctlContract(name: string, open: () => Sysctl): void {
  describe(name, () => {
    const codeOf = (act: () => unknown): string | undefined => {
      try {
        act();
      } catch (error) {
        return error instanceof SluiceError ? error.code : String(error);
      }
      return undefined;
    };

    it('reads back what it wrote, numbers and text alike', () => {
      const sysctl = open();
      sysctl.write('net/ipv4/ip_forward', 1);
      expect(sysctl.read('net/ipv4/ip_forward')).toBe('1');
      sysctl.write('net/ipv4/ip_forward', '0');
      expect(sysctl.read('net/ipv4/ip_forward')).toBe('0');
    });

    it('knows no value of a parameter that does not exist, and refuses to set it', () => {
      const sysctl = open();
      expect(sysctl.read('net/ipv4/conf/no-such-link/rp_filter')).toBeUndefined();
      expect(codeOf(() => sysctl.write('net/ipv4/conf/no-such-link/rp_filter', 1))).toBe('not-found');
    });

    it('refuses a value that is none', () => {
      const sysctl = open();
      sysctl.write('net/ipv4/ip_forward', 1);
      expect(codeOf(() => sysctl.write('net/ipv4/ip_forward', 'yes'))).toBe('invalid');
      expect(sysctl.read('net/ipv4/ip_forward')).toBe('1');
    });

    it('never leaves the tree of parameters', () => {
      const sysctl = open();
      for (const key of ['/etc/hostname', 'net/../../../etc/hostname']) {
        expect(codeOf(() => sysctl.read(key))).toBe('invalid');
        expect(codeOf(() => sysctl.write(key, 1))).toBe('invalid');
      }
    });
  });
}
