import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** kubectl's YAML is not everybody's: it refuses some of what other parsers read. */
it.for(globSync('deploy/*.yaml', { cwd: ROOT }).sort())('kubectl reads %s', (file, { skip }) => {
  const local = ['label', '--local', '--dry-run=client', '--output=name', 'read=yes', '-f', file];
  const { error, status, stdout, stderr } = spawnSync('kubectl', local, { cwd: ROOT, encoding: 'utf8' });
  if (error !== undefined) return skip('there is no kubectl on this machine');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).not.toBe('');
});
