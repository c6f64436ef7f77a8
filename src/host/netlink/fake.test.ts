import { netlinkContract } from './contract.ts';
import { FakeNetwork } from './fake.ts';

netlinkContract('fake netlink', () => {
  const network = new FakeNetwork();
  network.addNetns('/far');
  return {
    near: network.netlink(),
    far: network.netlink({ netns: '/far' }),
    farPath: '/far',
    [Symbol.dispose]: () => undefined,
  };
});
