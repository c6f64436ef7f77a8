import type { Ip } from '../../base/ip/index.ts';
import type { EchoOutcome, Echoes } from './echo-port.ts';

/** Echo requests that nobody sends: `path` says what becomes of each, at once. */
export function fakeEchoes(path: (to: Ip, bytes: number) => EchoOutcome): Echoes {
  let open = true;
  return {
    echo: (to, bytes) => Promise.resolve(open ? path(to, bytes) : 'silence'),
    [Symbol.dispose]: () => {
      open = false;
    },
  };
}
