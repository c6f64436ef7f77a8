import { expectSuccess } from '../errno.ts';
import { CLONE_NEWNET, CLONE_NEWNS, MS_PRIVATE, MS_REC, mount, unshare } from '../libc.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { warmThreadPool } from './netns.ts';

/**
 * For tests: moves this process, for good, into a network and a mount namespace of its own, with lo up, so that whatever
 * it makes is gone when it ends. Undefined where that is not allowed (run the tests as root, or under `unshare -Urnm`);
 * else an empty directory, for namespace files, whose content no other process sees.
 */
export function enterPrivateNetwork(): string | undefined {
  warmThreadPool();
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) return undefined;
  expectSuccess(mount(null, '/', null, MS_REC | MS_PRIVATE, null), 'making mounts private');
  // A directory that every machine has: only this process sees what is mounted there, and nothing is left behind.
  const directory = '/mnt';
  expectSuccess(mount('tmpfs', directory, 'tmpfs', 0, null), `mounting ${directory}`);
  using netlink = openNetlink();
  netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
  return directory;
}
