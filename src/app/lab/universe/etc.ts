import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What programs commonly read below /etc, and nothing that tells of the host's own network. */
const FROM_HOST = [
  'alternatives',
  'bash.bashrc',
  'ethertypes',
  'group',
  'inputrc',
  'iproute2',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'login.defs',
  'mime.types',
  'os-release',
  'passwd',
  'profile',
  'protocols',
  'rpc',
  'services',
  'terminfo',
  'timezone',
];

/** Fills `directory` with the /etc of a small Linux system. Files that cannot be read are left out. */
export function writeEtc(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of FROM_HOST) {
    const source = join('/etc', name);
    if (existsSync(source)) cpSync(source, join(directory, name), { recursive: true, verbatimSymlinks: true });
  }
  const own: Readonly<Record<string, string>> = {
    // Without this a host that resolves through systemd would look for a socket that pods cannot have.
    'nsswitch.conf':
      'passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nservices: files\nprotocols: files\n',
    hosts: '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n',
    hostname: 'universe\n',
    'resolv.conf': '',
  };
  for (const [name, content] of Object.entries(own)) writeFileSync(join(directory, name), content);
}
