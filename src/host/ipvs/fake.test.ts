import { ipvsContract } from './contract.ts';
import { FakeIpvs } from './fake.ts';

ipvsContract('fake IPVS', () => {
  const ipvs = new FakeIpvs();
  return { ipvs, addForeign: (server) => ipvs.addForeign(server), [Symbol.dispose]: () => undefined };
});
