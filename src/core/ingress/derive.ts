import type { Ingress } from '../kube/types.ts';
import { assignCertificates, readTls } from './certificates.ts';
import { ingressFilter } from './class.ts';
import { hostText } from './model.ts';
import type { Backend, Choice, IngressModel, Remark, Route } from './model.ts';
import { readIngress } from './read-ingress.ts';
import type { ClosedPath, IngressPath, IngressReading } from './read-ingress.ts';
import { serversOf } from './servers.ts';
import type { IngressWorld } from './world.ts';

/** Answers 503: the backend of what cannot be served, so that no broader route takes its requests. */
export const REFUSED_BACKEND = 'refused';

/** What `canary-by-header` and `canary-by-cookie` without a value of their own compare with. */
const ALWAYS = 'always';

/** Derives what the proxy is to do from the cluster. Where two Ingresses want the same, the older one has it. */
export function deriveIngress(world: IngressWorld): IngressModel {
  const isOurs = ingressFilter(world.classes, world.withoutClass);
  const ordered = [...world.ingresses].filter(isOurs).sort(byAge);
  const remarks: Remark[] = [];
  const readings = ordered.map((ingress) => {
    const reading = readIngress(ingress, world);
    const tls = readTls(reading, world);
    const rejected = world.rejected.get(reading.key);
    if (rejected !== undefined)
      remarks.push({ owner: reading.key, severity: 'refused', reason: 'ProxyRefused', message: rejected });
    remarks.push(...reading.remarks, ...tls.remarks);
    return { ...reading, uses: tls.uses };
  });
  const refused = new Set(remarks.filter(({ severity }) => severity === 'refused').map(({ owner }) => owner));
  const good = readings.filter(({ key }) => !refused.has(key));
  const tls = assignCertificates(good);
  const table = new RouteTable(world, refused);
  for (const explicit of [true, false])
    for (const reading of readings) if (reading.canary === undefined) table.claim(reading, explicit);
  for (const reading of good) if (reading.canary !== undefined) table.addCanary(reading);
  return {
    routes: table.routes(),
    backends: [...table.backends.values()],
    certificates: tls.certificates,
    remarks: [...remarks, ...tls.remarks, ...table.remarks],
    owned: readings.map(({ key }) => key),
  };
}

/** Oldest first; of the same second, by name. */
function byAge(a: Ingress, b: Ingress): number {
  const text = ({ metadata }: Ingress): string =>
    `${metadata?.creationTimestamp ?? '9'} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  const [left, right] = [text(a), text(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

class RouteTable {
  readonly backends = new Map<string, Backend>();
  readonly remarks: Remark[] = [];
  readonly #world: IngressWorld;
  readonly #refused: ReadonlySet<string>;
  readonly #routes = new Map<string, Route & { readonly implicit: boolean }>();

  constructor(world: IngressWorld, refused: ReadonlySet<string>) {
    this.#world = world;
    this.#refused = refused;
  }

  routes(): readonly Route[] {
    return [...this.#routes.values()].map(({ host, path, backend, choices, owner }) => ({
      host,
      path,
      backend,
      choices,
      owner,
    }));
  }

  /** Adds the paths of an Ingress that are free still, those of rules or those of its default backend. */
  claim(reading: IngressReading, explicit: boolean): void {
    for (const path of [...reading.paths, ...reading.closed]) {
      if (path.implicit === explicit) continue;
      // What the proxy refused as a whole may have been this very expression.
      if (path.path.kind === 'regex' && this.#world.rejected.has(reading.key)) continue;
      const holder = this.#routes.get(claimOf(path));
      if (holder !== undefined) this.#reportClaimed(reading.key, path, holder);
      else this.#add(reading, path);
    }
  }

  addCanary(reading: IngressReading): void {
    for (const path of reading.paths) {
      const key = claimOf(path);
      const main = this.#routes.get(key);
      if (main === undefined) {
        const message = `no other Ingress serves ${describe(path)}, of which this could be the canary`;
        this.#warn(reading.key, 'CanaryAlone', message);
        continue;
      }
      const backend = this.#backendOf(reading, path);
      this.#routes.set(key, { ...main, choices: [...main.choices, ...canaryChoices(reading, backend, main.backend)] });
    }
  }

  #add(reading: IngressReading, path: IngressPath | ClosedPath): void {
    const isServed = 'target' in path && !this.#refused.has(reading.key);
    const backend = isServed ? this.#backendOf(reading, path) : REFUSED_BACKEND;
    const { host, path: match, implicit } = path;
    this.#routes.set(claimOf(path), { host, path: match, backend, choices: [], owner: reading.key, implicit });
  }

  /** The name of the backend for a path; paths of an Ingress that differ in nothing share one. */
  #backendOf(reading: IngressReading, { target, settings }: IngressPath): string {
    const wanted = JSON.stringify(settings);
    const base = `${reading.key.replace('/', '_')}_${target.service.split('/')[1]}_${target.port}`;
    for (let count = 1; ; count++) {
      const name = count === 1 ? base : `${base}_${count}`;
      const existing = this.backends.get(name);
      if (existing !== undefined && JSON.stringify(existing.settings) !== wanted) continue;
      if (existing === undefined) {
        const {
          endpoints,
          others = [],
          problem,
          isElsewhere,
        } = serversOf(target, reading.serviceUpstream, this.#world);
        if (problem !== undefined) this.#warn(reading.key, 'BackendMissing', problem);
        const outside = isElsewhere === true ? ({ external: true } as const) : {};
        const twin = others.length === 0 ? {} : { others };
        this.backends.set(name, { name, owner: reading.key, endpoints, settings, ...twin, ...outside });
      }
      return name;
    }
  }

  #reportClaimed(owner: string, path: ClosedPath, holder: Route & { readonly implicit: boolean }): void {
    // An explicit rule for everything simply leaves nothing to a default backend.
    if (path.implicit && (!holder.implicit || path.host.kind !== 'any' || holder.owner === owner)) return;
    const message = `${describe(path)} is served by Ingress ${holder.owner} already, which is older`;
    this.#warn(owner, 'PathClaimed', message);
  }

  #warn(owner: string, reason: string, message: string): void {
    this.remarks.push({ owner, severity: 'warning', reason, message });
  }
}

/** What no two routes have in common: host and path. */
export function claimOf({ host, path }: Pick<IngressPath, 'host' | 'path'>): string {
  return `${hostText(host)} ${path.kind} ${path.value}`;
}

function describe({ host, path }: ClosedPath): string {
  const where = path.kind === 'regex' ? `the expression ${path.value}` : `path ${path.value === '' ? '/' : path.value}`;
  return `${where} of ${host.kind === 'any' ? 'any host' : `host ${hostText(host)}`}`;
}

/** In the order of ingress-nginx: header, cookie, weight. */
function canaryChoices({ canary }: IngressReading, backend: string, main: string): Choice[] {
  const { header, headerValue, cookie, weight, whole = 100 } = canary ?? {};
  const choices: Choice[] = [];
  for (const [kind, name] of [['header', header] as const, ['cookie', cookie] as const]) {
    if (name === undefined) continue;
    const value = kind === 'header' ? (headerValue ?? ALWAYS) : ALWAYS;
    choices.push({ kind: 'condition', condition: { kind, name, value }, backend });
    if (value === ALWAYS) choices.push({ kind: 'condition', condition: { kind, name, value: 'never' }, backend: main });
  }
  if (weight !== undefined && weight > 0)
    choices.push({ kind: 'share', parts: Math.min(weight, whole), whole, backend });
  return choices;
}
