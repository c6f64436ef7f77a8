import { beforeEach, describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { interpret } from '../nft/interpret.ts';
import type { Outcome, Packet } from '../nft/interpret.ts';
import { addressKey } from '../nft/key.ts';
import { CT_STATE, IPPROTO } from '../nft/model.ts';
import { CT_MARK, PACKET_MARK } from '../nft/statements.ts';
import { createCalcEngine } from './engine.ts';
import type { CalcEngine, PeerSpec, TunnelsSpec } from './model.ts';

const ip = (text: string) => parseIp(text)!;
const key = (text: string) => addressKey(ip(text));
const [POD, FAR_POD, NODE, OUTSIDE] = ['10.244.0.2', '10.244.9.9', '172.30.1.11', '203.0.113.10'] as const;
const [PEER_NODE, ROUTER] = ['172.30.1.12', '172.30.1.1'] as const;
const PEER_MARK = 0x500;

const PEER: PeerSpec = {
  macs: ['66:00:00:00:00:02'],
  outers: [ip(PEER_NODE)],
  hops: [ip(PEER_NODE)],
  mark: PEER_MARK,
};

const TUNNELS: TunnelsSpec = {
  devices: [
    { interface: 'ipip.sluice', addresses: [ip('10.244.0.7')], outer: { protocol: 'ipip' } },
    {
      interface: 'vxlan.sluice',
      addresses: [ip('10.244.0.8')],
      outer: { protocol: 'udp', port: 8472 },
      oneWay: true,
    },
  ],
  barred: [{ protocol: 'udp', port: 8472 }, { protocol: 'ipip' }],
};

let engine: CalcEngine;

beforeEach(() => {
  engine = createCalcEngine({ node: 'node-1', families: [4] });
  const pool = { name: 'pool', cidr: parseCidr('10.244.0.0/16')!, natOutgoing: true };
  engine.apply({ kind: 'pool', key: 'pool', value: pool });
  const web = {
    kind: 'pod',
    key: 'default/web',
    namespace: 'default',
    name: 'web',
    labels: {},
    node: 'node-1',
    addresses: [ip(POD)],
    hostNetwork: false,
    completed: false,
    ready: true,
    serviceAccount: 'default',
    ports: [],
  } as const;
  engine.apply({ kind: 'pod', key: web.key, value: web });
  const wired = { id: 'web', interface: 'slc1', pod: web.key, addresses: [ip(POD)] };
  engine.apply({ kind: 'local-endpoint', key: 'web', value: wired });
  engine.apply({ kind: 'peer', key: 'node-2', value: PEER });
  engine.apply({ kind: 'tunnels', key: '', value: TUNNELS });
  engine.flush();
});

/** Sends the first packet of a connection that leaves by `device`. */
function send(device: string, packet: Partial<Packet>, nextHop: string = PEER_NODE): Outcome {
  return interpret(
    engine.ruleset(),
    {
      source: key(POD),
      destination: key(FAR_POD),
      protocol: IPPROTO.UDP,
      sourcePort: 40_000,
      destinationPort: 53,
      tcpFlags: 0,
      inputInterface: 'slc1',
      outputInterface: '',
      ctState: CT_STATE.NEW,
      ctMark: 0,
      mark: 0,
      ...packet,
    },
    { isLocal: (address) => address === key(NODE), route: () => device, nextHop: () => key(nextHop), random: () => 0 },
  );
}

it('what nobody serves of the addresses that a node advertises is not sent back to where it came from', () => {
  const stray = { inputInterface: 'eth0', source: key(OUTSIDE), destination: key('10.96.0.77') };
  expect(send('eth0', stray).verdict).toBe('accept');
  engine.apply({ kind: 'advertised', key: '', value: [parseCidr('10.96.0.0/16')!, parseCidr('fd00:10:96::/108')!] });
  engine.flush();
  expect(send('eth0', stray)).toMatchObject({ verdict: 'drop', endedBy: 'egress' });
  // The node itself may have other ideas of the address.
  expect(send('eth0', { ...stray, inputInterface: '', source: key(NODE) }).verdict).toBe('accept');
  engine.apply({ kind: 'advertised', key: '' });
  engine.flush();
  expect(send('eth0', stray).verdict).toBe('accept');
});

describe('the tunnels of a node', () => {
  it('are not for packets that pods wrap themselves, unless that is allowed', () => {
    const wrapped: readonly Partial<Packet>[] = [
      { destinationPort: 8472 },
      { protocol: IPPROTO.IPIP, sourcePort: 0, destinationPort: 0 },
    ];
    expect(wrapped.map((packet) => send('eth0', packet).verdict)).toEqual(['drop', 'drop']);
    // The port of somebody else's tunnel.
    expect(send('eth0', { destinationPort: 4789 }).verdict).toBe('accept');
    expect(send('eth0', { destinationPort: 8472, protocol: IPPROTO.TCP, tcpFlags: 2 }).verdict).toBe('accept');
    engine.apply({ kind: 'tunnels', key: '', value: { ...TUNNELS, barred: [] } });
    engine.flush();
    expect(wrapped.map((packet) => send('eth0', packet).verdict)).toEqual(['accept', 'accept']);
  });

  it.each(['ipip.sluice', 'vxlan.sluice'])('get no packet that would be routed into them again: %s', (device) => {
    const answer = { ctMark: PEER_MARK, ctState: CT_STATE.ESTABLISHED };
    expect(send(device, answer).packet.mark).toBe(0);
    expect(send('eth0', answer).packet.mark).toBe(PEER_MARK);
  });

  it.each([
    ['ipip.sluice', '10.244.0.7'],
    ['vxlan.sluice', '10.244.0.8'],
  ])('have an address each, which what the node sends into %s takes', (device, address) => {
    const { packet } = send(device, { inputInterface: '', source: key(NODE) });
    expect(packet.source).toBe(key(address));
  });

  it('teach the fast path nothing of what came by one that it does not take: unwrapped it would be taken, too', () => {
    const encrypted = { interface: 'wg.sluice', addresses: [], outer: { protocol: 'udp', port: 51820 } } as const;
    engine.apply({ kind: 'tunnels', key: '', value: { ...TUNNELS, devices: [...TUNNELS.devices, encrypted] } });
    engine.flush();
    const known = { protocol: IPPROTO.TCP, tcpFlags: 0x10, ctState: CT_STATE.ESTABLISHED, ctStatus: 0 };
    const taughtBy = (inputInterface: string) =>
      send('slc1', { ...known, inputInterface, source: key(FAR_POD), destination: key(POD) }).packet.mark;
    expect(['eth0', 'vxlan.sluice'].map(taughtBy)).toEqual([PACKET_MARK.ARRIVES, PACKET_MARK.ARRIVES]);
    expect(['wg.sluice', 'ipip.sluice', 'slc2'].map(taughtBy)).toEqual([0, 0, 0]);
    expect(send('eth0', known).packet.mark).toBe(PACKET_MARK.LEAVES);
  });

  it('keep the address of a client that came in by a NodePort, as does a route that leads to the peer itself', () => {
    const arrived = { inputInterface: 'eth0', source: key(OUTSIDE), ctMark: CT_MARK.NODE_PORT };
    expect(send('vxlan.sluice', arrived).packet.source).toBe(key(OUTSIDE));
    expect(send('ipip.sluice', arrived).packet.source).toBe(key(OUTSIDE));
    expect(send('eth0', arrived).packet.source).toBe(key(OUTSIDE));
    expect(send('eth0', arrived, ROUTER).packet.source).toBe('masquerade');
    engine.apply({ kind: 'peer', key: 'node-2', value: { ...PEER, hops: [] } });
    engine.flush();
    expect(send('eth0', arrived).packet.source).toBe('masquerade');
  });

  it('know a peer that has the address of a lost one, when that is forgotten at last', () => {
    const outer = { protocol: IPPROTO.IPIP, inputInterface: 'eth0', source: key(PEER_NODE), destination: key(NODE) };
    engine.apply({ kind: 'peer', key: 'node-3', value: { ...PEER, mark: 0x700 } });
    engine.flush();
    engine.apply({ kind: 'peer', key: 'node-2' });
    engine.flush();
    expect(send('eth0', outer).packet.mark).toBe(0x700);
    const arrived = { inputInterface: 'eth0', source: key(OUTSIDE), ctMark: CT_MARK.NODE_PORT };
    expect(send('eth0', arrived).packet.source).toBe(key(OUTSIDE));
  });

  it('have their packets between nodes left out of connection tracking, where no direction answers the other', () => {
    for (const [name, address] of [
      ['node-1', NODE],
      ['node-2', PEER_NODE],
    ] as const) {
      const value = {
        kind: 'node',
        key: name,
        name,
        labels: {},
        addresses: [ip(address)],
        tunnelAddresses: [],
      } as const;
      engine.apply({ kind: 'node', key: name, value });
    }
    engine.flush();
    const wrapped = { protocol: IPPROTO.UDP, destinationPort: 8472 };
    const [node, peer] = [key(NODE), key(PEER_NODE)];
    const tracked = (packet: Partial<Packet>) => send('eth0', packet).packet.ctState === CT_STATE.NEW;
    const inbound = { ...wrapped, inputInterface: 'eth0', source: peer, destination: node };
    const outbound = { ...wrapped, inputInterface: '', source: node, destination: peer };
    expect([inbound, outbound].map(tracked)).toEqual([false, false]);
    // What policies of host endpoints and pods judge.
    expect(tracked({ ...inbound, source: key(OUTSIDE) })).toBe(true);
    expect(tracked({ ...inbound, destination: key(POD) })).toBe(true);
    expect(tracked({ ...outbound, destination: key(OUTSIDE) })).toBe(true);
    expect(tracked({ ...inbound, destinationPort: 53 })).toBe(true);
    // Both directions of IP in IP are one connection, which a firewall of the node's may know.
    expect(tracked({ ...inbound, protocol: IPPROTO.IPIP, sourcePort: 0, destinationPort: 0 })).toBe(true);
    engine.apply({ kind: 'tunnels', key: '', value: { devices: [], barred: [] } });
    engine.flush();
    expect([inbound, outbound].map(tracked)).toEqual([true, true]);
  });

  it('carry nothing more of a connection that is cut, in neither direction', () => {
    const known = { ctState: CT_STATE.ESTABLISHED, protocol: IPPROTO.TCP, tcpFlags: 0x10 };
    const back = { ...known, inputInterface: 'vxlan.sluice', source: key(FAR_POD), destination: key(POD) };
    const verdicts = (ctMark: number) => [
      send('vxlan.sluice', { ...known, ctMark }).verdict,
      send('slc1', { ...back, ctMark }).verdict,
    ];
    expect(verdicts(0)).toEqual(['accept', 'accept']);
    expect(verdicts(CT_MARK.CUT)).toEqual(['drop', 'drop']);
  });

  it('show whose an IP-in-IP packet is, for what is inside, and lead that no other way', () => {
    const outer = { protocol: IPPROTO.IPIP, inputInterface: 'eth0', source: key(PEER_NODE), destination: key(NODE) };
    const { mark } = send('eth0', outer).packet;
    expect(mark).toBe(PEER_MARK);
    const inner = { inputInterface: 'ipip.sluice', source: key(OUTSIDE), destination: key(POD), mark };
    expect(send('slc1', inner).packet).toMatchObject({ mark: 0, ctMark: PEER_MARK });
    expect(send('slc1', { ...inner, source: key(FAR_POD) }).packet).toMatchObject({ mark: 0, ctMark: 0 });
    engine.apply({ kind: 'peer', key: 'node-2', value: { ...PEER, outers: [] } });
    engine.flush();
    expect(send('eth0', outer).packet.mark).toBe(0);
  });
});
