import { parseIp } from '../../base/ip/index.ts';
import { probeContract } from './contract.ts';
import { fakeProbe } from './fake.ts';
import type { ProbeEndpoint } from './port.ts';

const place = (id: string, address: string): ProbeEndpoint => ({ id, netns: id, addresses: [parseIp(address)!] });
const [from, to, closed] = [place('a', '10.0.0.1'), place('b', '10.0.0.2'), place('c', '10.0.0.3')];

probeContract('fake probe', (protocol) => {
  const port = protocol === 'icmp' ? 0 : 8080;
  return {
    probe: fakeProbe((attempt) => attempt.to.id === 'b'),
    open: { from, to, address: to.addresses[0]!, protocol, port },
    blocked: { from, to: closed, address: closed.addresses[0]!, protocol, port },
  };
});
