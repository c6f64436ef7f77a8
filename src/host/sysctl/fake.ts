import { errnoError, ERRNO } from '../errno.ts';
import type { Sysctl } from './sysctl.ts';

/** Kernel parameters in memory. Only those given at the start exist, as in a kernel. */
export class FakeSysctl implements Sysctl {
  /** The present values. */
  readonly values: Map<string, string>;

  constructor(initial: Readonly<Record<string, string>>) {
    this.values = new Map(Object.entries(initial));
  }

  read(key: string): string | undefined {
    return this.values.get(key);
  }

  write(key: string, value: string | number): void {
    if (!this.values.has(key)) throw errnoError(ERRNO.ENOENT, `setting kernel parameter ${key} to ${value}`);
    this.values.set(key, String(value));
  }
}
