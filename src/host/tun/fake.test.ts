import { parseCidr } from '../../base/ip/index.ts';
import { FakeNetwork } from '../netlink/fake.ts';
import { userTunnelsContract } from './contract.ts';
import { FakeUserTunnels } from './fake.ts';

const network = new FakeNetwork();
const netlink = network.netlink();
netlink.apply([{ kind: 'add-address', address: { link: 'lo', address: parseCidr('127.0.0.1/8')! } }]);

userTunnelsContract('fake user tunnels', () => ({ tunnels: new FakeUserTunnels(network), netlink }));
