import { beforeEach, describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { interpret } from '../nft/interpret.ts';
import { addressKey, addressOfKey } from '../nft/key.ts';
import { CT_STATE, IPPROTO, TCP_FLAG } from '../nft/model.ts';
import { createCalcEngine } from './engine.ts';
import type { CalcEngine, Delta, HostPort } from './model.ts';

const ip = (text: string) => parseIp(text)!;
const [NODE, SECOND, NODE6] = ['192.0.2.1', '192.0.2.2', '2001:db8::1'];
const DNS: HostPort = { protocol: 'UDP', hostPort: 53, containerPort: 5353 };

let engine: CalcEngine;
beforeEach(() => {
  engine = createCalcEngine({ node: 'node-1' });
  engine.flush();
});

const wire = (name: string, addresses: readonly string[], ...hostPorts: HostPort[]): Delta => ({
  kind: 'local-endpoint',
  key: name,
  value: { id: name, interface: `slc${name}`, pod: `default/${name}`, addresses: addresses.map(ip), hostPorts },
});

/** Where a new connection from outside to a port of the node ends up. */
function leads(address: string, protocol: HostPort['protocol'], port: number): string {
  const { packet } = interpret(
    engine.ruleset(),
    {
      source: addressKey(ip(address.includes(':') ? '2001:db8::9' : '192.0.2.9')),
      destination: addressKey(ip(address)),
      protocol: IPPROTO[protocol],
      sourcePort: 4000,
      destinationPort: port,
      tcpFlags: TCP_FLAG.SYN,
      inputInterface: 'eth0',
      outputInterface: '',
      ctState: CT_STATE.NEW,
      ctMark: 0,
      mark: 0,
    },
    {
      isLocal: (each) => [NODE, SECOND, NODE6].includes(formatIp(addressOfKey(each))),
      route: () => 'slcweb',
      random: () => 0,
    },
  );
  return `${formatIp(addressOfKey(packet.destination))} ${packet.destinationPort}`;
}

describe('host ports', () => {
  it.each(['TCP', 'UDP', 'SCTP'] as const)('lead to the pod over %s in the families that it has', (protocol) => {
    engine.apply(wire('web', ['10.244.0.2', 'fd00::2'], { protocol, hostPort: 80, containerPort: 8080 }));
    expect(new Set(engine.flush().transaction.map(({ op }) => op))).toEqual(new Set(['add-elements']));
    expect(leads(NODE, protocol, 80)).toBe('10.244.0.2 8080');
    expect(leads(NODE6, protocol, 80)).toBe('fd00::2 8080');
    expect(leads(NODE, protocol, 81)).toBe(`${NODE} 81`);
    expect(leads('198.51.100.1', protocol, 80)).toBe('198.51.100.1 80');
  });

  it('are those of one address where the pod asks for it', () => {
    engine.apply(wire('one', ['10.244.0.2', 'fd00::2'], { ...DNS, hostIp: ip(SECOND) }));
    engine.apply(wire('any', ['10.244.0.3', 'fd00::3'], { ...DNS, hostPort: 54, hostIp: ip('0.0.0.0') }));
    engine.flush();
    expect([NODE, SECOND, NODE6].map((at) => leads(at, 'UDP', 53))).toEqual([
      `${NODE} 53`,
      '10.244.0.2 5353',
      `${NODE6} 53`,
    ]);
    expect([NODE, SECOND, NODE6].map((at) => leads(at, 'UDP', 54))).toEqual([
      '10.244.0.3 5353',
      '10.244.0.3 5353',
      `${NODE6} 54`,
    ]);
  });

  it('pass from a pod to another, and name the UDP flows of each step', () => {
    const pods = { before: '10.244.0.2', later: '10.244.0.3' };
    const at = (address: string) => ({ address: ip(address), port: 5353 });
    const flows = () => engine.flush().conntrackFlush;
    const front = { protocol: 'UDP', family: 4, port: 53 };
    engine.apply(wire('before', [pods.before], DNS));
    expect(flows()).toEqual([{ ...front, endpoints: [at(pods.before)], former: [] }]);
    engine.apply(wire('later', [pods.later], DNS));
    expect(flows()).toEqual([]);
    expect(leads(NODE, 'UDP', 53)).toBe('10.244.0.2 5353');
    engine.apply({ kind: 'local-endpoint', key: 'before' });
    expect(flows()).toEqual([{ ...front, endpoints: [at(pods.later)], former: [at(pods.before)] }]);
    expect(leads(NODE, 'UDP', 53)).toBe('10.244.0.3 5353');
    engine.apply({ kind: 'local-endpoint', key: 'later' });
    expect(flows()).toEqual([{ ...front, endpoints: [], former: [at(pods.later)] }]);
    expect(leads(NODE, 'UDP', 53)).toBe(`${NODE} 53`);
  });
});
