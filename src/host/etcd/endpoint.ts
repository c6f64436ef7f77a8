import net from 'node:net';
import { basename } from 'node:path';
import tls from 'node:tls';
import type { Socket } from 'node:net';
import { EtcdError } from './errors.ts';

/** One server of the cluster. */
export interface Endpoint {
  /** As it was configured, for messages. */
  readonly text: string;
  readonly secure: boolean;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
}

/** PEM texts: whom to trust (the system's authorities unless given) and how to prove who we are. */
export interface TlsIdentity {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** etcd's port for clients. */
const DEFAULT_PORT = 2379;

/**
 * Reads `http(s)://host[:port]` or, as etcdctl does, `unix(s)://path`; undefined when it is neither. The port is 2379
 * unless given.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const socket = /^(unixs?):\/\/(.+)$/.exec(text);
  if (socket !== null) return { text, secure: socket[1] === 'unixs', address: { path: socket[2]! } };
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, search, username } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  if (pathname !== '/' || search !== '' || username !== '') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  return { text, secure: protocol === 'https:', address: { host, port: port === '' ? implied(text) : Number(port) } };
}

/** A URL drops the port that its protocol has anyway, though somebody wrote it. */
function implied(text: string): number {
  const written = /:(80|443)\/?$/.exec(text);
  return written === null ? DEFAULT_PORT : Number(written[1]);
}

/** What `:authority` says, and the name that the server's certificate must have. */
export function authorityOf({ address }: Endpoint): string {
  if ('path' in address) return 'localhost';
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Opens the connection; HTTP/2 is agreed on in TLS. Failures come as the socket's error. */
export function openSocket({ address, secure }: Endpoint, identity: TlsIdentity): Socket {
  if (!secure) return net.connect(address);
  const name = 'path' in address ? serverNameOf(address.path) : address.host;
  return tls.connect({
    ...address,
    ...(identity.ca === undefined ? {} : { ca: identity.ca }),
    ...(identity.certificate === undefined ? {} : { cert: identity.certificate }),
    ...(identity.key === undefined ? {} : { key: identity.key }),
    // SNI carries names only (RFC 6066 §3); an address is checked against the certificate's IP entries all the same.
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
    ALPNProtocols: ['h2'],
  });
}

/** etcd names its sockets `host:port`; the host is what its certificate is for. */
function serverNameOf(path: string): string {
  return basename(path).split(':')[0]!;
}

/** Reads a comma-separated list; throws EtcdError `invalid` that names every bad entry. */
export function parseEndpoints(text: string): readonly Endpoint[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const parsed = entries.map(parseEndpoint);
  const bad = entries.filter((_, index) => parsed[index] === undefined);
  if (entries.length === 0) throw new EtcdError('invalid', 'no etcd endpoint is given');
  if (bad.length > 0)
    throw new EtcdError(
      'invalid',
      `${bad.map((entry) => `'${entry}'`).join(', ')}: an etcd endpoint is http://host:port, https://host:port or unix://path`,
    );
  return parsed.filter((each) => each !== undefined);
}
