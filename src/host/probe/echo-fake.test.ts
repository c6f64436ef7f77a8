import { formatIp } from '../../base/ip/index.ts';
import { PATH_MTU, echoContract } from './echo-contract.ts';
import { fakeEchoes } from './echo-fake.ts';

echoContract('fake echo requests', (router) =>
  fakeEchoes((to, bytes) => {
    if (bytes > 1500) return { limit: undefined };
    if (!formatIp(to).endsWith('2')) return 'silence';
    if (bytes <= PATH_MTU) return 'answered';
    return router === 'tells' ? { limit: PATH_MTU } : 'silence';
  }),
);
