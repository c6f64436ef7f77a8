import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import {
  OFPP_LOCAL,
  OFPT,
  OpenFlowReader,
  decodeFlowReply,
  encodeAddFlow,
  encodeDeleteCookie,
  encodeMessage,
} from './openflow-codec.ts';

const FLOW = {
  cookie: 7n,
  priority: 100,
  inPort: OFPP_LOCAL,
  to: '02:00:00:00:00:02',
  tunnelDestination: parseIp('192.0.2.2')!,
  outPort: 1,
};

describe('OpenFlow 1.3', () => {
  it('adds a flow in the bytes that the specification asks for', () => {
    const hex = Buffer.from(encodeAddFlow(FLOW)).toString('hex');
    const expected = [
      '040e0070' + '00000000', // version, FLOW_MOD, length, transaction
      '0000000000000007' + '0000000000000000', // cookie, mask
      '00' + '00' + '0000' + '0000' + '0064', // table, ADD, timeouts, priority
      'ffffffff' + 'ffffffff' + 'ffffffff' + '0000' + '0000', // no buffer, any port and group, flags
      '0001' + '0016' + '80000004' + 'fffffffe' + '80000606' + '020000000002' + '0000', // match: in_port, eth_dst
      '0004' + '0028' + '00000000', // apply actions
      '0019' + '0010' + '00014004' + 'c0000202' + '00000000', // set tun_dst
      '0000' + '0010' + '00000001' + '0000' + '000000000000', // output
    ];
    expect(hex).toBe(expected.join(''));
  });

  it('keeps every message at a multiple of eight bytes, IPv6 ends included', () => {
    const six = { ...FLOW, tunnelDestination: parseIp('2001:db8::2')!, tunnelSource: parseIp('2001:db8::1')! };
    for (const message of [encodeAddFlow(FLOW), encodeAddFlow(six), encodeDeleteCookie(7n)])
      expect(message.length % 8).toBe(0);
  });

  it('reads messages wherever the stream is cut', () => {
    const stream = Buffer.concat([encodeMessage(OFPT.HELLO), encodeAddFlow(FLOW), encodeMessage(OFPT.BARRIER_REPLY)]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new OpenFlowReader();
      const messages = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
      expect(messages.map(({ type }) => type)).toEqual([OFPT.HELLO, OFPT.FLOW_MOD, OFPT.BARRIER_REPLY]);
    }
  });

  it('finds the cookies in a list of flows, and whether there is more of it', () => {
    const entry = (cookie: bigint): Buffer => {
      const bytes = Buffer.alloc(56);
      bytes.writeUInt16BE(56, 0);
      bytes.writeBigUInt64BE(cookie, 24);
      return bytes;
    };
    const head = Buffer.from('0001000100000000', 'hex');
    expect(decodeFlowReply(Buffer.concat([head, entry(5n), entry(6n)]))).toEqual({ cookies: [5n, 6n], more: true });
    expect(decodeFlowReply(Buffer.from('0001000000000000', 'hex'))).toEqual({ cookies: [], more: false });
  });
});
