import { FakeNetwork } from '../netlink/fake.ts';
import { wireguardContract } from './contract.ts';
import { FakeWireguard } from './fake.ts';

wireguardContract('fake WireGuard', () => {
  const netlink = new FakeNetwork().netlink();
  return {
    netlink,
    wireguard: new FakeWireguard((name) => netlink.link(name)?.kind === 'wireguard'),
    [Symbol.dispose]: () => undefined,
  };
});
