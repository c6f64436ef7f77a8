import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { conntrackContract } from './contract.ts';
import { openConntrack } from './kernel.ts';

const allowed = enterPrivateNetwork() !== undefined;
const shell = (script: string): string => execFileSync('bash', ['-c', script], { encoding: 'utf8' });

describe.skipIf(!allowed)('the kernel', () => {
  conntrackContract('kernel conntrack', () => {
    // Tracking starts with the first rule that asks for it.
    shell(
      'nft add table inet t; nft add chain inet t c "{ type filter hook output priority 0; }"; nft add rule inet t c ct state new',
    );
    const table = openConntrack();
    table.delete(table.dump());
    shell('for port in 9001 9002 9003; do echo x > /dev/udp/127.0.0.1/$port; done; ping -q -c1 ::1');
    return table;
  });

  it('shows conntrack-tools the marks it set', () => {
    using table = openConntrack();
    shell('echo x > /dev/udp/127.0.0.1/9009');
    const flows = table.dump().filter(({ original }) => original.destinationPort === 9009);
    table.setMark(flows, { value: 0x301, mask: 0xff01 });
    expect(shell('conntrack -L -p udp --dport 9009 2>/dev/null')).toContain(`mark=${0x301}`);
  });
});
