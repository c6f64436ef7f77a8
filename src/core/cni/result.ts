import { parseCidr } from '../../base/ip/index.ts';
import { CNI_ERROR, CniError } from './errors.ts';
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute, CniVersion } from './types.ts';

/**
 * The result object that a caller of `version` expects: before 1.0.0 every address carries its family as `version`,
 * before 1.1.0 interfaces and routes have none of the newer keys.
 */
export function formatResult(result: CniResult, version: CniVersion): Record<string, unknown> {
  const legacy = version === '0.3.1' || version === '0.4.0';
  const modern = version === '1.1.0';
  return {
    cniVersion: version,
    interfaces: result.interfaces.map((item) => (modern ? item : pick(item, ['name', 'mac', 'sandbox']))),
    ips: result.ips.map((ip) => (legacy ? { version: ip.address.includes(':') ? '6' : '4', ...ip } : ip)),
    ...(result.routes === undefined || result.routes.length === 0
      ? {}
      : { routes: result.routes.map((route) => (modern ? route : pick(route, ['dst', 'gw']))) }),
    dns: result.dns ?? {},
  };
}

/** Reads a result of any supported version (a `prevResult`); throws a {@link CniError} (code 6) naming the bad field. */
export function parseResult(value: unknown): CniResult {
  if (!isObject(value)) throw malformed('is not an object');
  const routes = list(value, 'routes').map(parseRoute);
  return {
    interfaces: list(value, 'interfaces').map(parseInterface),
    ips: list(value, 'ips').map(parseAddress),
    ...(routes.length === 0 ? {} : { routes }),
    ...(isObject(value['dns']) ? { dns: value['dns'] as CniDns } : {}),
  };
}

function parseInterface(value: unknown, index: number): CniInterface {
  if (!isObject(value) || typeof value['name'] !== 'string') throw malformed(`interfaces[${index}] has no name`);
  return pick(value, ['name', 'mac', 'mtu', 'sandbox', 'socketPath', 'pciID']) as unknown as CniInterface;
}

function parseAddress(value: unknown, index: number): CniIp {
  if (!isObject(value) || typeof value['address'] !== 'string' || parseCidr(value['address']) === undefined)
    throw malformed(`ips[${index}].address is not an address with a prefix length`);
  return pick(value, ['address', 'gateway', 'interface']) as unknown as CniIp;
}

function parseRoute(value: unknown, index: number): CniRoute {
  if (!isObject(value) || typeof value['dst'] !== 'string' || parseCidr(value['dst']) === undefined)
    throw malformed(`routes[${index}].dst is not a CIDR`);
  return pick(value, ['dst', 'gw', 'mtu', 'advmss', 'priority', 'table', 'scope']) as unknown as CniRoute;
}

function list(value: Record<string, unknown>, key: string): readonly unknown[] {
  const items = value[key] ?? [];
  if (!Array.isArray(items)) throw malformed(`${key} is not a list`);
  return items;
}

/** The named keys that are present and neither null nor empty: Go's `omitempty`, so that a result survives a round trip. */
function pick(value: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(([key, item]) => keys.includes(key) && item !== null && item !== ''),
  );
}

function malformed(problem: string): CniError {
  return new CniError(CNI_ERROR.decodingFailure, `prevResult ${problem}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
