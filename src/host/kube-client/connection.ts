import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { http } from '../http.ts';
import { KubeError } from './errors.ts';

/** Where an API server is and how to prove who we are. Build one with `kubeconfig.ts` or `in-cluster.ts`. */
export interface ClusterConfig {
  /** `https://host:port` (or `http://…`); the host also names the certificate that is expected. */
  readonly server: string;
  /** Connect to this unix socket instead of the server's address; TLS (for https) runs over it as usual. */
  readonly socketPath?: string;
  /** PEM certificates to trust; absent: the system's. */
  readonly ca?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  /** A bearer token, or how to read the current one (in a cluster it is rotated). */
  readonly token?: string | (() => string);
  /** The name in the server's certificate where it differs from the host. */
  readonly tlsServerName?: string;
  readonly skipTlsVerify?: boolean;
  /** The namespace that a kubeconfig's context names. */
  readonly namespace?: string;
}

/** One request; `path` is with the query. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Whether it does no harm to send it twice, though it is no GET. */
  readonly repeatable?: boolean;
  /** Milliseconds without any sign of life before the request fails with `timeout`; 0: none. */
  readonly idleTimeout: number;
}

/** Connections that are kept for the next requests. */
const KEPT = 8;

/** Keep-alive connections to one API server. */
export class Connection {
  readonly #config: ClusterConfig;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(config: ClusterConfig) {
    this.#config = config;
    this.#url = new URL(config.server);
    this.#agent = agentFor(config, this.#url);
  }

  /** Sends one request and resolves with the answer's head; the caller consumes the body. */
  async send(request: HttpRequest): Promise<IncomingMessage> {
    const isRepeatable = request.method === 'GET' || request.repeatable === true;
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.#sendOnce(request);
      } catch (error) {
        // A kept-alive connection may be closed by the server in the very moment it is used again, and so may the next.
        if (!isRepeatable || repeats === KEPT || !isStaleConnection(error)) throw error;
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #sendOnce(request: HttpRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { signal, idleTimeout, method } = request;
    const where = `${method} ${this.#config.server}${request.path}`;
    const outgoing = this.#open(request);
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => reject(classify(error, where, outgoing.reusedSocket, signal)));
    if (idleTimeout > 0)
      outgoing.setTimeout(idleTimeout, () =>
        outgoing.destroy(new KubeError('timeout', `${where}: no answer for ${idleTimeout / 1000} s`)),
      );
    outgoing.end(request.body);
    return promise;
  }

  #open(request: HttpRequest): ClientRequest {
    const { token, socketPath } = this.#config;
    const bearer = typeof token === 'function' ? token() : token;
    const options: https.RequestOptions = {
      method: request.method,
      path: `${this.#url.pathname.replace(/\/$/, '')}${request.path}`,
      agent: this.#agent,
      ...(socketPath === undefined ? { host: unbracketed(this.#url.hostname), port: this.#url.port } : { socketPath }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      headers: {
        host: this.#url.host,
        accept: 'application/json',
        'user-agent': 'sluice',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(request.body === undefined
          ? {}
          : {
              'content-type': request.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(request.body),
            }),
      },
    };
    return this.#url.protocol === 'http:' ? http.request(options) : https.request(options);
  }
}

function agentFor(config: ClusterConfig, url: URL): Agent {
  const common = { keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: KEPT };
  if (url.protocol === 'http:') return new http.Agent(common);
  const name = config.tlsServerName ?? unbracketed(url.hostname);
  return new https.Agent({
    ...common,
    // Made once: parsing certificates for each of a dozen connections is what a start would wait for.
    secureContext: createSecureContext({
      ...(config.ca === undefined ? {} : { ca: config.ca }),
      ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
      ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
    }),
    // SNI carries names only (RFC 6066 §3); an address is checked against the certificate's IP entries all the same.
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    rejectUnauthorized: config.skipTlsVerify !== true,
  });
}

function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

const STALE = new Set(['ECONNRESET', 'EPIPE']);

function isStaleConnection(error: unknown): boolean {
  return error instanceof KubeError && error.data['reused'] === true && STALE.has(String(error.data['errno']));
}

function classify(error: Error, where: string, reused: boolean, signal: AbortSignal | undefined): Error {
  if (error instanceof KubeError) return error;
  if (signal?.aborted === true) return new KubeError('aborted', `${where}: cancelled`, {}, error);
  const errno = (error as NodeJS.ErrnoException).code;
  return new KubeError('unavailable', `${where}: ${error.message}`, { errno, reused }, error);
}
