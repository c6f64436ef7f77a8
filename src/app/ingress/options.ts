import { SluiceError } from '../../base/errors.ts';
import { LOG_LEVELS, isLogLevel } from '../../base/log.ts';
import type { LogLevel } from '../../base/log.ts';

/** How `sluice ingress` works. */
export interface IngressOptions {
  /** Where HAProxy's files are; absolute. */
  readonly folder: string;
  /** Addresses that HAProxy listens on. */
  readonly listen: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Where `/healthz` and `/metrics` are answered. */
  readonly statusPort: number;
  /** Clients come through a load balancer that sends the PROXY protocol. */
  readonly acceptProxy: boolean;
  /** Servers see the client's own address. The node must be Sluice's, and the proxy on its network, free to change it. */
  readonly keepClient: boolean;
  /** Serve Ingresses without a class though the default class is not ours. */
  readonly withoutClass: boolean;
  /** Requests for hosts with TLS that come without it are sent there, unless an annotation says. */
  readonly redirectToTls: boolean;
  /** Who is asked for the names of ExternalName Services, `address` or `address:port`; none: the cluster's DNS. */
  readonly nameServers: readonly string[];
  /** The Service, `namespace/name`, whose addresses become those of Ingresses. */
  readonly publishService: string | undefined;
  /** Where that Service has no address for clients of elsewhere, those of its endpoints stand for it: nodes' own. */
  readonly publishNodes: boolean;
  /** Addresses or names that become those of Ingresses. */
  readonly publishAddresses: readonly string[];
  /** The least time between two reloads, milliseconds: each leaves a process that ends with its last connection. */
  readonly reloadEveryMs: number;
  readonly logLevel: LogLevel;
}

/** Reads the environment of the ingress container. Throws `invalid-options` with every mistake in one message. */
export function ingressOptions(env: Readonly<Record<string, string | undefined>>): IngressOptions {
  const problems: string[] = [];
  const number = (name: string, usual: number, most: number): number => {
    const value = Number(env[name] ?? usual);
    if (!Number.isInteger(value) || value < 0 || value > most)
      problems.push(`${name} is '${env[name]}', must be a whole number from 0 to ${most}`);
    return value;
  };
  const flag = (name: string, usual: 'true' | 'false' = 'false'): boolean => {
    const text = env[name] ?? usual;
    if (text !== 'true' && text !== 'false') problems.push(`${name} is '${text}', must be true or false`);
    return text === 'true';
  };
  const list = (name: string): string[] => (env[name] ?? '').split(',').filter((each) => each !== '');
  const logLevel = env['SLUICE_LOG_LEVEL'] ?? 'info';
  if (!isLogLevel(logLevel))
    problems.push(`SLUICE_LOG_LEVEL is '${logLevel}', must be one of ${LOG_LEVELS.join(', ')}`);
  const publishService = env['SLUICE_INGRESS_PUBLISH_SERVICE'];
  if (publishService !== undefined && !/^[^/]+\/[^/]+$/.test(publishService))
    problems.push(`SLUICE_INGRESS_PUBLISH_SERVICE is '${publishService}', must be namespace/name`);
  const listen = list('SLUICE_INGRESS_LISTEN');
  const options: IngressOptions = {
    folder: env['SLUICE_INGRESS_FOLDER'] ?? '/run/sluice/ingress',
    listen: listen.length > 0 ? listen : ['0.0.0.0', '::'],
    httpPort: number('SLUICE_INGRESS_HTTP_PORT', 80, 65_535),
    httpsPort: number('SLUICE_INGRESS_HTTPS_PORT', 443, 65_535),
    statusPort: number('SLUICE_INGRESS_STATUS_PORT', 10_254, 65_535),
    acceptProxy: flag('SLUICE_INGRESS_ACCEPT_PROXY'),
    keepClient: flag('SLUICE_INGRESS_KEEP_CLIENT'),
    withoutClass: flag('SLUICE_INGRESS_WITHOUT_CLASS'),
    redirectToTls: flag('SLUICE_INGRESS_SSL_REDIRECT', 'true'),
    nameServers: list('SLUICE_INGRESS_DNS'),
    publishService,
    publishNodes: flag('SLUICE_INGRESS_PUBLISH_NODES'),
    publishAddresses: list('SLUICE_INGRESS_PUBLISH_ADDRESSES'),
    reloadEveryMs: number('SLUICE_INGRESS_RELOAD_MS', 500, 3_600_000),
    logLevel: logLevel as LogLevel,
  };
  if (problems.length > 0) throw new SluiceError('invalid-options', problems.join('; '));
  return options;
}

/** The options for this kernel: without IPv6, nothing listens there. */
export function withFamilies(options: IngressOptions, hasIpv6: boolean): IngressOptions {
  return hasIpv6 ? options : { ...options, listen: options.listen.filter((address) => !address.includes(':')) };
}
