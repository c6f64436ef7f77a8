import type { Ingress } from '../kube/types.ts';
import type { CanaryDraft } from './annotation-draft.ts';
import { readAnnotations } from './annotations.ts';
import type { HostMatch, PathMatch, Remark } from './model.ts';
import { checkPathRegex } from './path-regex.ts';
import type { Rewrite, Settings } from './settings.ts';
import { canaryProblem, settle } from './settle.ts';
import type { IngressWorld } from './world.ts';

/** The Service and port that a path names. */
export interface ServiceTarget {
  readonly service: string;
  readonly port: number | string;
}

/** One path of an Ingress. */
export interface IngressPath {
  readonly host: HostMatch;
  readonly path: PathMatch;
  readonly target: ServiceTarget;
  readonly settings: Settings;
  /** Where another Ingress says something about the same requests, this gives way: the default backend. */
  readonly implicit: boolean;
}

/** Requests that a refused Ingress keeps from others, though nothing can be said of where they should go. */
export type ClosedPath = Pick<IngressPath, 'host' | 'path' | 'implicit'>;

/** One Ingress, understood by itself. A refused one keeps its hosts and paths, so that nobody else gets its requests. */
export interface IngressReading {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly paths: readonly IngressPath[];
  /** Where there are any, the Ingress is refused. */
  readonly closed: readonly ClosedPath[];
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret: string | undefined }[];
  /** Present when the Ingress is an exception from another one. */
  readonly canary?: CanaryDraft;
  readonly serviceUpstream: boolean;
  readonly remarks: readonly Remark[];
}

type Rule = NonNullable<NonNullable<Ingress['spec']>['rules']>[number];
type Path = NonNullable<Rule['http']>['paths'][number];
type BackendReference = NonNullable<NonNullable<Ingress['spec']>['defaultBackend']>;

/** Reads one Ingress of networking.k8s.io/v1. What is wrong with it is a remark; nothing throws. */
export function readIngress(
  ingress: Ingress,
  { secrets, redirectToTls = true }: Pick<IngressWorld, 'secrets' | 'redirectToTls'>,
): IngressReading {
  const namespace = ingress.metadata?.namespace ?? 'default';
  const key = `${namespace}/${ingress.metadata?.name ?? ''}`;
  const remarks: Remark[] = [];
  const refuse = (reason: string, message: string): void => {
    remarks.push({ owner: key, severity: 'refused', reason, message });
  };
  const { draft, problems, ignored } = readAnnotations(ingress.metadata?.annotations ?? {});
  for (const problem of problems) refuse('InvalidAnnotation', problem);
  if (ignored.length > 0)
    remarks.push({
      owner: key,
      severity: 'warning',
      reason: 'IgnoredAnnotation',
      message: `without effect here: ${ignored.join(', ')}`,
    });
  const settled = settle(draft, namespace, secrets);
  if ('problem' in settled) refuse('InvalidAnnotation', settled.problem);
  const canary = canaryProblem(draft.canary);
  if (canary !== undefined) refuse('InvalidAnnotation', canary);
  const settings = 'problem' in settled ? draft.settings : settled.settings;
  const tls = (ingress.spec?.tls ?? []).map(({ hosts, secretName }) => ({
    hosts: (hosts ?? []).map((host) => host.toLowerCase()),
    secret: secretName === undefined || secretName === '' ? undefined : `${namespace}/${secretName}`,
  }));
  const { paths, closed } = readPaths(ingress, {
    namespace,
    settings,
    refuse,
    regex: draft.useRegex === true || /\$[1-9]/.test(draft.rewriteTarget ?? ''),
    rewriteTarget: draft.rewriteTarget,
    aliases: draft.aliases ?? [],
    toHttps: (host) =>
      draft.forceSslRedirect === true ||
      ((draft.sslRedirect ?? redirectToTls) && tls.some(({ hosts }) => hosts.some((pattern) => covers(pattern, host)))),
  });
  return {
    key,
    namespace,
    paths,
    closed,
    tls,
    ...(draft.canary.enabled === true ? { canary: draft.canary } : {}),
    serviceUpstream: draft.serviceUpstream === true,
    remarks,
  };
}

/** Whether a host of `tls` covers a host of a rule, both as written. */
function covers(pattern: string, host: HostMatch): boolean {
  if (host.kind === 'any') return false;
  if (host.kind === 'wildcard') return pattern === `*.${host.parent}`;
  return pattern === host.name || (pattern.startsWith('*.') && pattern.slice(1) === host.name.replace(/^[^.]*/, ''));
}

interface Surroundings {
  readonly namespace: string;
  readonly settings: Settings;
  readonly refuse: (reason: string, message: string) => void;
  readonly regex: boolean;
  readonly rewriteTarget: string | undefined;
  readonly aliases: readonly string[];
  readonly toHttps: (host: HostMatch) => boolean;
}

function readPaths(ingress: Ingress, around: Surroundings): Pick<IngressReading, 'paths' | 'closed'> {
  const { spec } = ingress;
  const found: (IngressPath | ClosedPath)[] = [];
  const hosts: HostMatch[] = [];
  for (const { host: text, http } of spec?.rules ?? [])
    for (const host of [readHost(text ?? ''), ...around.aliases.map(readHost)]) {
      if (host === undefined) {
        around.refuse('InvalidHost', `'${text}' is no host`);
        continue;
      }
      hosts.push(host);
      for (const path of http?.paths ?? []) {
        const read = readPath(path, host, around);
        if (read !== undefined) found.push(read);
      }
    }
  if (spec?.defaultBackend !== undefined) {
    const target = readTarget(spec.defaultBackend, around);
    for (const host of [...hosts, { kind: 'any' } as const]) {
      const requests = { host, path: EVERY_PATH, implicit: true };
      const settings = withHttps(around.settings, around.toHttps(host));
      found.push(target === undefined ? requests : { ...requests, target, settings });
    }
  }
  return {
    paths: found.filter((each) => 'target' in each),
    closed: found.filter((each) => !('target' in each)),
  };
}

const EVERY_PATH: PathMatch = { kind: 'prefix', value: '' };

function readHost(text: string): HostMatch | undefined {
  const name = text.toLowerCase();
  if (name === '') return { kind: 'any' };
  if (!/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return undefined;
  return name.startsWith('*.') ? { kind: 'wildcard', parent: name.slice(2) } : { kind: 'exact', name };
}

function readPath(
  { path: text, pathType, backend }: Path,
  host: HostMatch,
  around: Surroundings,
): IngressPath | ClosedPath | undefined {
  const target = readTarget(backend, around);
  const path = readPathMatch(text ?? '/', pathType, around);
  if (path === undefined)
    return isRegex(pathType, around) ? { host, path: beginning(text ?? ''), implicit: true } : undefined;
  if (target === undefined) return { host, path: path.match, implicit: false };
  const rewrite = readRewrite(path.match, path.groups, around);
  const settings = withHttps(around.settings, around.toHttps(host));
  return {
    host,
    path: path.match,
    target,
    settings: rewrite === undefined ? settings : { ...settings, rewrite },
    implicit: false,
  };
}

function withHttps(settings: Settings, toHttps: boolean): Settings {
  return toHttps ? { ...settings, toHttps } : settings;
}

function readTarget(
  { service, resource }: BackendReference,
  { namespace, refuse }: Surroundings,
): ServiceTarget | undefined {
  if (resource !== undefined) {
    const { kind, name } = resource;
    refuse('ResourceBackend', `the backend ${kind} ${name} is no Service, and only Services are served`);
    return undefined;
  }
  const port = service?.port?.name ?? service?.port?.number;
  if (service === undefined || port === undefined) {
    refuse('InvalidBackend', 'a backend names no Service and port');
    return undefined;
  }
  return { service: `${namespace}/${service.name}`, port };
}

function readPathMatch(
  text: string,
  pathType: string,
  around: Surroundings,
): { readonly match: PathMatch; readonly groups: number } | undefined {
  const { refuse } = around;
  if (isRegex(pathType, around)) {
    const checked = checkPathRegex(text);
    if ('groups' in checked)
      return { match: { kind: 'regex', value: text.replace(/^\^/, '') }, groups: checked.groups };
    refuse('InvalidPath', `the expression ${printable(text)} ${checked.problem}`);
    return undefined;
  }
  const path = decoded(text);
  if (path === undefined) {
    refuse('InvalidPath', `the path ${printable(text)} is not one that a request can have`);
    return undefined;
  }
  if (pathType === 'Exact') return { match: { kind: 'exact', value: path }, groups: 0 };
  return { match: { kind: 'prefix', value: path.replace(/\/+$/, '') }, groups: 0 };
}

function isRegex(pathType: string, { regex }: Surroundings): boolean {
  return regex && pathType !== 'Exact';
}

/** The elements of paths that an expression is sure to begin with, as far as that can be said of one that cannot be read. */
function beginning(expression: string): PathMatch {
  const [literal = ''] = /^[^\\^$.|?*+()[\]{}]*/.exec(expression.replace(/^\^/, '')) ?? [];
  const path = expression.includes('|') ? undefined : decoded(literal);
  return path === undefined ? EVERY_PATH : { kind: 'prefix', value: path.slice(0, path.lastIndexOf('/')) };
}

/** Percent-encoding undone, as it is in requests before they are compared; undefined when the path is none. */
export function decoded(text: string): string | undefined {
  if (!text.startsWith('/') || text.length > 1024) return undefined;
  try {
    const path = decodeURIComponent(text.replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
    return /^[!-~\u00a1-\uffff]+$/.test(path) && !/\/{2}|\/\.{1,2}(\/|$)/.test(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function readRewrite(path: PathMatch, groups: number, { rewriteTarget, refuse }: Surroundings): Rewrite | undefined {
  if (rewriteTarget === undefined) return undefined;
  const highest = Math.max(0, ...[...rewriteTarget.matchAll(/\$([1-9])/g)].map(([, digit]) => Number(digit)));
  if (highest > groups) {
    refuse('InvalidAnnotation', `rewrite-target names group $${highest}, and the path has ${groups}`);
    return undefined;
  }
  if (path.kind !== 'regex' || highest === 0) return { kind: 'path', path: rewriteTarget };
  return { kind: 'regex', pattern: path.value, replacement: rewriteTarget.replaceAll(/\$([1-9])/g, '\\$1') };
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
