import { expect, it } from 'vitest';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { openNetlink } from './kernel.ts';
import { leadNoMore, leadToNode } from './lead-to-node.ts';

const directory = enterPrivateNetwork();
const PACKETS = { mark: 0x800_0000, table: 799_001, priority: 791 };

it.skipIf(directory === undefined)(
  'leaves no rule and no route when packets are to be led no more, asked twice, too',
  () => {
    using netlink = openNetlink();
    netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
    const state = () => [netlink.rules(), netlink.routes({ table: PACKETS.table })];
    const before = state();
    leadToNode(netlink, PACKETS);
    expect(state()[1]).toHaveLength(2);
    expect(state()).not.toEqual(before);
    leadNoMore(netlink, PACKETS);
    leadNoMore(netlink, PACKETS);
    expect(state()).toEqual(before);
  },
);
