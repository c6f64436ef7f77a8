import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { openNftables } from '../nftables/kernel.ts';
import { openPacketCopies } from './kernel.ts';

const allowed = enterPrivateNetwork() !== undefined;
const GROUP = 4053;

describe.skipIf(!allowed)('copies of packets', () => {
  it('come at once and one by one, while the packets themselves go on, listened to or not', async () => {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    using filter = openNftables();
    const isUdp = { kind: 'compare', field: 'meta l4proto', op: '==', value: 17 } as const;
    filter.apply([
      { op: 'destroy-table' },
      { op: 'add-table' },
      { op: 'add-chain', name: 'c', hook: { type: 'filter', hook: 'output', priority: 0 } },
      { op: 'add-rule', chain: 'c', rule: [isUdp, { kind: 'copy', group: GROUP }] },
    ]);
    const listed = execFileSync('nft', ['list', 'chain', 'inet', 'sluice', 'c'], { encoding: 'utf8' });
    expect(listed).toContain(`log group ${GROUP}`);
    const receiver = createSocket('udp4').bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const sender = createSocket('udp4');
    const received: string[] = [];
    receiver.on('message', (message) => received.push(message.toString()));
    const send = (text: string): void => sender.send(text, receiver.address().port, '127.0.0.1');

    send('before');
    await expect.poll(() => received).toEqual(['before']);
    const seen: string[] = [];
    // Behind the headers of IPv4 and UDP.
    const look = (packet: Uint8Array): void => void seen.push(Buffer.from(packet.subarray(28)).toString());
    const listening = openPacketCopies().listen(GROUP, look);
    expect(() => openPacketCopies().listen(GROUP, look)).toThrow('listening to packet group');
    for (const text of ['one', 'two', 'three']) send(text);
    await expect.poll(() => seen).toEqual(['one', 'two', 'three']);
    await expect.poll(() => received).toEqual(['before', 'one', 'two', 'three']);
    listening[Symbol.dispose]();
    send('after');
    await expect.poll(() => received.at(-1)).toBe('after');
    expect(seen).toHaveLength(3);
    for (const socket of [sender, receiver]) socket.close();
  });
});
