import type { Ip } from '../../base/ip/index.ts';

/** Sends datagrams that the kernel of whoever gets them answers, if their checksum is right. */
export interface ChecksumProbe {
  /**
   * Whether one was answered within `patience` milliseconds. Its checksum is left to the `device`, if that says that it
   * computes them, or computed by the `kernel`. Never rejects.
   */
  isAnswered(to: Ip, checksum: 'device' | 'kernel', patience: number): Promise<boolean>;
}
