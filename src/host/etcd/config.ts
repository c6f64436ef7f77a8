import { readFileSync } from 'node:fs';
import { SluiceError, messageOf } from '../../base/errors.ts';
import type { EtcdConfig } from './client.ts';
import { parseEndpoints } from './endpoint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the certificates' files are said to be; the names are Calico's. */
const FILES = { ca: 'ETCD_CA_CERT_FILE', certificate: 'ETCD_CERT_FILE', key: 'ETCD_KEY_FILE' } as const;

const PAIRS = [
  ['ETCD_CERT_FILE', 'ETCD_KEY_FILE'],
  ['ETCD_USERNAME', 'ETCD_PASSWORD'],
] as const;

/**
 * Reads Calico's variables: `ETCD_ENDPOINTS` (comma-separated), `ETCD_CA_CERT_FILE`, `ETCD_CERT_FILE`, `ETCD_KEY_FILE`,
 * `ETCD_USERNAME` and `ETCD_PASSWORD`; `prefix` stands before each of the names. Throws `invalid-options` with every
 * mistake in one message.
 */
export function etcdConfig(env: Environment, read: (path: string) => string = readText, prefix = ''): EtcdConfig {
  const problems: string[] = [];
  const attempt = <T>(name: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const value = (name: string): string => env[prefix + name] ?? '';
  const endpoints = attempt(`${prefix}ETCD_ENDPOINTS`, () => parseEndpoints(value('ETCD_ENDPOINTS'))) ?? [];
  const identity: Record<string, string> = {};
  for (const [field, name] of Object.entries(FILES)) {
    const path = value(name);
    const text = path === '' ? undefined : attempt(prefix + name, () => read(path));
    if (text !== undefined) identity[field] = text;
  }
  for (const [one, other] of PAIRS)
    if ((value(one) === '') !== (value(other) === ''))
      problems.push(`${prefix}${one} and ${prefix}${other}: one is of no use without the other`);
  if (problems.length > 0) throw new SluiceError('invalid-options', problems.join('; '));
  const [username, password] = [value('ETCD_USERNAME'), value('ETCD_PASSWORD')];
  return { endpoints, ...identity, ...(username === '' ? {} : { username, password }) };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
