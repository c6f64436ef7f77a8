import { Agent, createServer, get } from 'node:http';
import type { RequestOptions } from 'node:http';
import { Agent as SecureAgent, get as secureGet } from 'node:https';
import { HOST, PROXY, startCluster } from './cluster.ts';

/** How much is asked, and how often things change meanwhile. */
export interface Course {
  readonly requests: number;
  readonly endpointChanges: number;
  readonly renewals: number;
}

/** How many of the requests were not answered well, and the first reasons. */
export interface Losses {
  readonly lost: number;
  readonly reasons: readonly string[];
}

/** Servers of which two at a time are behind the Ingress. */
const SERVERS = ['127.1.0.1', '127.1.0.2', '127.1.0.3', '127.1.0.4'];
/** How long the proxy may take to be there, milliseconds, and how often it is asked. */
const PATIENCE = 60_000;
const INTERVAL = 20;

/**
 * Asks on and on, over kept connections and over new ones, with TLS and without, while servers come and go and the
 * certificate is renewed: changes are spread evenly over the requests.
 */
export async function loseRequests({ requests, endpointChanges, renewals }: Course): Promise<Losses> {
  const servers = SERVERS.map((address) => createServer((_, out) => out.end('ok')).listen(8080, address));
  await using cluster = await startCluster(SERVERS.slice(0, 2));
  await untilServed();
  const plain = new Agent({ keepAlive: true });
  const secure = new SecureAgent({ keepAlive: true });
  const kinds: readonly (readonly [tls: boolean, agent: RequestOptions['agent']])[] = [
    ...Array.from({ length: 6 }, () => [false, plain] as const),
    ...Array.from({ length: 3 }, () => [true, secure] as const),
    ...Array.from({ length: 2 }, () => [false, false] as const),
    [true, false],
  ];
  const reasons: string[] = [];
  let asked = 0;
  let changed = 0;
  let renewed = 0;
  const change = async (): Promise<void> => {
    if (asked * endpointChanges >= (changed + 1) * requests && changed < endpointChanges) {
      const first = ++changed % SERVERS.length;
      await cluster.setServers([SERVERS[first]!, SERVERS[(first + 1) % SERVERS.length]!]);
    }
    if (asked * renewals >= (renewed + 1) * requests && renewed < renewals) {
      renewed++;
      await cluster.renew();
    }
  };
  const client = async ([tls, agent]: (typeof kinds)[number]): Promise<void> => {
    while (asked < requests) {
      asked++;
      await change();
      const answer = await ask(tls, agent).catch((error: unknown) => String(error));
      if (answer !== 200) reasons.push(String(answer));
    }
  };
  await Promise.all(kinds.map(client));
  plain.destroy();
  secure.destroy();
  for (const server of servers) server.close();
  if (changed < endpointChanges || renewed < renewals) throw new Error('not everything was changed');
  return { lost: reasons.length, reasons: reasons.slice(0, 5) };
}

async function untilServed(): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += INTERVAL) {
    if ((await ask(true, false).catch(() => 0)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
  throw new Error('the proxy does not answer');
}

function ask(tls: boolean, agent: RequestOptions['agent']): Promise<number | undefined> {
  const options = { host: PROXY, agent, headers: { host: HOST } };
  return new Promise((resolve, reject) => {
    (tls ? secureGet({ ...options, servername: HOST, rejectUnauthorized: false }) : get(options))
      .once('error', reject)
      .once('response', (response) => {
        const { statusCode } = response;
        response
          .once('error', reject)
          .once('end', () => resolve(statusCode))
          .resume();
      });
  });
}
