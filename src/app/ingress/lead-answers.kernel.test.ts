import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { enterPrivateNetwork } from '../../host/netns/testing.ts';
import { leadAnswers } from './lead-answers.ts';

const directory = enterPrivateNetwork();
const run = (...command: readonly string[]): string => execFileSync('ip', command, { encoding: 'utf8' });
const RULE = /fwmark 0x4000000\/0x4000000 lookup 799000/u;

it.skipIf(directory === undefined)('leads answers on nodes without IPv6, too, and is made but once', () => {
  execFileSync('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6']);
  using netlink = openNetlink();
  leadAnswers(netlink);
  expect(run('-4', 'rule')).toMatch(RULE);
  expect(run('-6', 'rule')).not.toMatch(RULE);
  execFileSync('sh', ['-c', 'echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6']);
  leadAnswers(netlink);
  leadAnswers(netlink);
  for (const family of ['-4', '-6']) {
    expect(run(family, 'rule').match(new RegExp(RULE, 'gu'))).toHaveLength(1);
    expect(run(family, 'route', 'show', 'table', '799000')).toMatch(/^local default dev lo/u);
  }
});
