import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNetns, deleteNetns } from '../host/netns/netns.ts';
import { ROOT } from './run-cli.test-support.ts';

/** As Felix has them on a node of Canal's, beside kube-proxy's and flannel's. */
const FILTER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
:cali-INPUT - [0:0]
:cali-FORWARD - [0:0]
:cali-tw-cali1234 - [0:0]
-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A cali-FORWARD -o cali+ -g cali-tw-cali1234
-A cali-tw-cali1234 -m comment --comment "cali:abc" -j DROP
COMMIT
`;
const directory = mkdtempSync(join(tmpdir(), 'slc-rules-'));
const netns = join(directory, 'node');
beforeAll(() => createNetns(netns));
afterAll(() => {
  deleteNetns(netns);
  rmSync(directory, { recursive: true });
});

const inNode = (command: string, ...args: readonly string[]) =>
  ['nsenter', `--net=${netns}`, command, ...args] as const;
const run = (input: string, [command, ...args]: readonly [string, ...string[]]): string =>
  execFileSync(command, args, { input, encoding: 'utf8' });
const save = (kind: string): string =>
  run('', inNode(`${kind}-save`))
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/\[\d+:\d+\]/u, ''))
    .join('\n');
const removeRules = () => {
  const [command, ...args] = inNode(process.execPath, join(ROOT, 'src/cli/main.ts'), 'remove-rules');
  return spawnSync(command, args, { encoding: 'utf8' });
};

it("takes Calico's rules out of every kind of iptables, and nobody else's", () => {
  const kinds = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'];
  const others = FILTER.split('\n')
    .filter((line) => !line.includes('cali'))
    .join('\n');
  for (const kind of kinds) run(others, inNode(`${kind}-restore`));
  const expected = Object.fromEntries(kinds.map((kind) => [kind, save(kind)]));
  for (const kind of kinds) run(FILTER, inNode(`${kind}-restore`));
  const before = Object.fromEntries(kinds.map((kind) => [kind, save(kind)]));
  expect(before).not.toEqual(expected);

  // Nothing else would enforce policies.
  const refused = removeRules();
  expect([refused.status, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain("Sluice's packet filter is not in force here");
  expect(Object.fromEntries(kinds.map((kind) => [kind, save(kind)]))).toEqual(before);

  run('add table inet sluice', inNode('nft', '-f', '-'));
  expect(removeRules()).toMatchObject({
    status: 0,
    stdout: kinds.map((kind) => `${kind}: 3 chains removed\n`).join(''),
  });
  expect(Object.fromEntries(kinds.map((kind) => [kind, save(kind)]))).toEqual(expected);
  expect(removeRules()).toMatchObject({
    status: 0,
    stdout: kinds.map((kind) => `${kind}: 0 chains removed\n`).join(''),
  });
});
