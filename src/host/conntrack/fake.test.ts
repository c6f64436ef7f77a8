import { parseIp } from '../../base/ip/index.ts';
import { conntrackContract } from './contract.ts';
import { FakeConntrack } from './fake.ts';
import type { FlowTuple } from './port.ts';

conntrackContract('fake conntrack', () => {
  const table = new FakeConntrack();
  const rest = { mark: 0, status: 8, timeout: 30, zone: 0 };
  for (const [index, port] of [9001, 9002, 9003].entries()) {
    const here = parseIp('127.0.0.1')!;
    const base = { source: here, destination: here, protocol: 17 };
    const original: FlowTuple = { ...base, sourcePort: 40000 + index, destinationPort: port };
    const reply: FlowTuple = { ...base, sourcePort: port, destinationPort: 40000 + index };
    table.flows.set(index, { original, reply, id: index, ...rest });
  }
  const here = parseIp('::1')!;
  const echo = (type: number): FlowTuple => ({
    source: here,
    destination: here,
    protocol: 58,
    icmp: { type, code: 0, id: 7 },
  });
  table.flows.set(9, { original: echo(128), reply: echo(129), id: 9, ...rest });
  return table;
});
