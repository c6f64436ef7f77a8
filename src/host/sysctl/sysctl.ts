import { readFileSync, writeFileSync } from 'node:fs';
import { SluiceError } from '../../base/errors.ts';
import { classifyErrno } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';

/**
 * Kernel parameters, by their path below /proc/sys with slashes (`net/ipv4/conf/vxlan.sluice/rp_filter`): the dotted
 * form cannot express interface names that contain dots.
 */
export interface Sysctl {
  /** The value without its final newline; undefined when this kernel has no such parameter. */
  read(key: string): string | undefined;
  /** Throws `not-found` when there is no such parameter and `invalid` when the kernel refuses the value. */
  write(key: string, value: string | number): void;
}

/** The parameters of a network namespace, or of the calling thread's own one. */
export function openSysctl(options: { readonly netns?: NetnsRef } = {}): Sysctl {
  const { netns } = options;
  const within = <T extends string | undefined | void>(section: () => T): T =>
    netns === undefined ? section() : inNetns(netns, section);
  return {
    read: (key) => within(() => readParameter(key)),
    write: (key, value) => within(() => writeParameter(key, String(value))),
  };
}

function readParameter(key: string): string | undefined {
  const path = pathOf(key);
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch (error) {
    const classified = classify(error, `reading kernel parameter ${key}`);
    if (classified.code === 'not-found') return undefined;
    throw classified;
  }
}

function writeParameter(key: string, value: string): void {
  const path = pathOf(key);
  try {
    writeFileSync(path, value);
  } catch (error) {
    throw classify(error, `setting kernel parameter ${key} to ${value}`);
  }
}

function pathOf(key: string): string {
  checkKey(key);
  return `/proc/sys/${key}`;
}

/** Throws `invalid` for a key that would lead out of /proc/sys. */
export function checkKey(key: string): void {
  if (key.startsWith('/') || key.split('/').includes('..'))
    throw new SluiceError('invalid', `${key} is not the name of a kernel parameter`);
}

function classify(error: unknown, what: string): SluiceError<ErrnoCode> {
  const { errno, code } = error as NodeJS.ErrnoException;
  return new SluiceError(classifyErrno(-(errno ?? 0)), `${what} failed with ${code ?? 'an unknown error'}`, {}, error);
}
