import { errnoError, ERRNO } from '../errno.ts';
import { checkKey } from './sysctl.ts';
import type { Sysctl } from './sysctl.ts';

/** Kernel parameters in memory. Only those given at the start exist, as in a kernel. */
export class FakeSysctl implements Sysctl {
  /** The present values. */
  readonly values: Map<string, string>;

  constructor(initial: Readonly<Record<string, string>>) {
    this.values = new Map(Object.entries(initial));
  }

  read(key: string): string | undefined {
    checkKey(key);
    return this.values.get(key);
  }

  write(key: string, value: string | number): void {
    checkKey(key);
    const present = this.values.get(key);
    // A parameter that holds a number takes numbers only.
    if (present !== undefined && /^-?\d+$/.test(present) && !/^-?\d+$/.test(String(value)))
      throw errnoError(ERRNO.EINVAL, `setting kernel parameter ${key} to ${value}`);
    if (!this.values.has(key)) throw errnoError(ERRNO.ENOENT, `setting kernel parameter ${key} to ${value}`);
    this.values.set(key, String(value));
  }
}
