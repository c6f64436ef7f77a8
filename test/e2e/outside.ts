import type { TestCluster } from './harness.ts';

/** What the host outside was answered. */
export interface Answer {
  readonly status: number;
  readonly certificate?: string;
  readonly location?: string;
  readonly body: string;
}

/** One request, and what it came to as JSON; the name needs no DNS. */
const REQUEST = `
const [scheme, host, name, path, more] = process.argv.slice(1);
const headers = { host: name, ...JSON.parse(more) };
const options = { host, path, servername: name, headers, rejectUnauthorized: false, agent: false };
require(scheme).get(options, (response) => {
  const certificate = response.socket.getPeerCertificate?.().subject.CN;
  const { statusCode: status, headers: { location } } = response;
  let body = '';
  response.on('data', (piece) => (body += piece));
  response.on('end', () => console.log(JSON.stringify({ status, certificate, location, body })));
});`;

/** Asks for a page of a host at an address; undefined when there is no answer. */
export async function ask(
  cluster: TestCluster,
  address: string,
  scheme: 'http' | 'https',
  page: { readonly host: string; readonly path?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer | undefined> {
  const { host, path = '/', headers = {} } = page;
  const words = [scheme, address, host, path, JSON.stringify(headers)];
  const command = [process.execPath, '-e', REQUEST, ...words];
  const { code, stdout } = await cluster.lab.request({ op: 'exec', at: { kind: 'outside' }, command });
  return code === 0 ? (JSON.parse(stdout) as Answer) : undefined;
}
