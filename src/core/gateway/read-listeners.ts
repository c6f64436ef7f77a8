import { certificateName, joinPem } from '../ingress/certificates.ts';
import type { HostMatch } from '../ingress/model.ts';
import { hostText } from '../ingress/model.ts';
import { isGranted } from './grants.ts';
import { intersect, readHostname } from './hostname.ts';
import type { Gateway, Listener, ObjectReference, RouteKind } from './types.ts';
import { keyOf } from './types.ts';
import { fails, holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { GATEWAY_GROUP } from './world.ts';
import type { GatewayWorld } from './world.ts';

/** One listener, understood. */
export interface ListenerReading {
  /** `namespace/name` of the Gateway. */
  readonly gateway: string;
  readonly namespace: string;
  readonly listener: Listener;
  readonly host: HostMatch;
  readonly tls: boolean;
  readonly supportedKinds: readonly RouteKind[];
  readonly certificates: readonly { readonly name: string; readonly secret: string; readonly pem: string }[];
  readonly accepted: Verdict;
  readonly resolved: Verdict;
  readonly conflicted: Verdict;
  /** Another listener of the Gateway has some of the names, on the same port with TLS: undefined when none has. */
  readonly overlap: Verdict | undefined;
  /** Whether requests are taken at all. */
  readonly serves: boolean;
}

const ROUTE_KIND: RouteKind = { group: GATEWAY_GROUP, kind: 'HTTPRoute' };

/** Reads the listeners of all Gateways, the oldest first: it has the port where two Gateways want different protocols. */
export function readListeners(gateways: readonly Gateway[], world: GatewayWorld): readonly ListenerReading[] {
  const protocols = new Map<number, { readonly protocol: string; readonly gateway: string }>();
  return gateways.flatMap((gateway) => {
    const listeners = gateway.spec?.listeners ?? [];
    const key = keyOf(gateway);
    const read = listeners.map((listener) => {
      const conflict = conflictOf(listener, listeners);
      const kinds = readKinds(listener);
      const accepted =
        gateway.spec?.infrastructure?.parametersRef === undefined
          ? (refusedTls(listener, gateway) ?? acceptance(listener, conflict, { key, protocols, world }))
          : fails('Accepted', 'Invalid', 'parametersRef of the Gateway is not supported');
      const { certificates, problem } = readCertificates(listener, gateway, world);
      const resolved = kinds.problem ?? problem ?? holds('ResolvedRefs');
      const tls = listener.protocol === 'HTTPS';
      return {
        gateway: key,
        namespace: gateway.metadata?.namespace ?? 'default',
        listener,
        host: readHostname(listener.hostname) ?? { kind: 'any' as const },
        tls,
        supportedKinds: kinds.supported,
        certificates,
        accepted,
        resolved,
        conflicted: conflict ?? fails('Conflicted', 'NoConflicts'),
        overlap: overlapOf(listener, listeners),
        serves:
          accepted.status === 'True' && (!tls || certificates.length > 0) && !world.rejected.has(`Gateway ${key}`),
      };
    });
    for (const { serves, listener } of read)
      if (serves && !protocols.has(listener.port))
        protocols.set(listener.port, { protocol: listener.protocol, gateway: key });
    return read;
  });
}

/** Listeners of one Gateway that cannot be told apart: none of them is better than the other. */
function conflictOf(listener: Listener, all: readonly Listener[]): Verdict | undefined {
  const others = all.filter((other) => other !== listener && other.port === listener.port);
  const different = others.find(({ protocol }) => protocol !== listener.protocol);
  if (different !== undefined) {
    const message = `listener ${different.name} has port ${listener.port} with protocol ${different.protocol}`;
    return holds('Conflicted', 'ProtocolConflict', message);
  }
  const host = (listener.hostname ?? '').toLowerCase();
  const same = others.find(({ hostname }) => (hostname ?? '').toLowerCase() === host);
  if (same === undefined) return undefined;
  const what = host === '' ? 'no hostname' : `hostname ${host}`;
  return holds('Conflicted', 'HostnameConflict', `listener ${same.name} has port ${listener.port} with ${what}, too`);
}

/** Clients may reuse a connection for names of another listener then. */
function overlapOf(listener: Listener, all: readonly Listener[]): Verdict | undefined {
  const own = readHostname(listener.hostname);
  if (listener.protocol !== 'HTTPS' || own === undefined) return undefined;
  const other = all.find(({ name, port, protocol, hostname }) => {
    if (name === listener.name || port !== listener.port || protocol !== 'HTTPS') return false;
    const theirs = readHostname(hostname);
    return theirs !== undefined && intersect(own, theirs) !== undefined;
  });
  if (other === undefined) return undefined;
  return holds(
    'OverlappingTLSConfig',
    'OverlappingHostnames',
    `listener ${other.name} is for some of these hosts, too`,
  );
}

function acceptance(
  { port, protocol, tls, hostname }: Listener,
  conflict: Verdict | undefined,
  around: {
    readonly key: string;
    readonly protocols: ReadonlyMap<number, { readonly protocol: string; readonly gateway: string }>;
    readonly world: GatewayWorld;
  },
): Verdict {
  const refuse = (reason: string, message: string): Verdict => fails('Accepted', reason, message);
  if (protocol !== 'HTTP' && protocol !== 'HTTPS')
    return refuse('UnsupportedProtocol', `protocol ${protocol} is not supported: HTTP and HTTPS are`);
  if (conflict !== undefined) return refuse('Invalid', conflict.message);
  if (readHostname(hostname) === undefined) return refuse('Invalid', `'${hostname}' is no hostname`);
  if (protocol === 'HTTPS' && (tls?.mode ?? 'Terminate') !== 'Terminate')
    return refuse('Invalid', `TLS mode ${tls?.mode} is not supported: Terminate is`);
  const taken = around.world.takenPorts.get(port);
  if (taken !== undefined) return refuse('PortUnavailable', `port ${port} ${taken}`);
  const usual = { 80: 'HTTP', 443: 'HTTPS' }[port];
  if (usual !== undefined && usual !== protocol)
    return refuse('PortUnavailable', `port ${port} is for ${usual}, which Ingress has there`);
  const holder = around.protocols.get(port);
  if (holder !== undefined && holder.protocol !== protocol)
    return refuse(
      'PortUnavailable',
      `Gateway ${holder.gateway}, which is older, has port ${port} with ${holder.protocol}`,
    );
  return holds('Accepted');
}

/** Clients whose certificate is to be asked for are not let in without one. */
function refusedTls({ protocol, tls }: Listener, { spec }: Gateway): Verdict | undefined {
  if (protocol !== 'HTTPS' || (tls?.frontendValidation ?? spec?.tls?.frontend) === undefined) return undefined;
  return fails(
    'Accepted',
    'Invalid',
    "clients' certificates cannot be asked for: frontend validation is not supported",
  );
}

function readKinds({ protocol, allowedRoutes }: Listener): {
  readonly supported: readonly RouteKind[];
  readonly problem?: Verdict;
} {
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') return { supported: [] };
  const wanted = allowedRoutes?.kinds ?? [];
  if (wanted.length === 0) return { supported: [ROUTE_KIND] };
  const isOurs = ({ group = GATEWAY_GROUP, kind }: RouteKind): boolean =>
    group === GATEWAY_GROUP && kind === 'HTTPRoute';
  const supported = wanted.some(isOurs) ? [ROUTE_KIND] : [];
  const strange = wanted.filter((each) => !isOurs(each)).map(({ kind }) => kind);
  if (strange.length === 0) return { supported };
  return {
    supported,
    problem: fails('ResolvedRefs', 'InvalidRouteKinds', `not supported here: ${strange.join(', ')}`),
  };
}

function readCertificates(
  { protocol, tls }: Listener,
  gateway: Gateway,
  world: GatewayWorld,
): { readonly certificates: ListenerReading['certificates']; readonly problem?: Verdict } {
  if (protocol !== 'HTTPS') return { certificates: [] };
  const references = tls?.certificateRefs ?? [];
  if (references.length === 0)
    return { certificates: [], problem: invalid('a listener with HTTPS needs certificateRefs') };
  const read = references.map((reference) => readCertificate(reference, gateway, world));
  const problem = read.find((each) => 'reason' in each);
  const certificates = read.flatMap((each) => ('pem' in each ? [each] : []));
  return { certificates, ...(problem !== undefined && 'reason' in problem ? { problem } : {}) };
}

function readCertificate(
  { group = '', kind = 'Secret', name = '', namespace }: ObjectReference,
  gateway: Gateway,
  { grants, secrets, inspectCertificate }: GatewayWorld,
): ListenerReading['certificates'][number] | Verdict {
  if (group !== '' || kind !== 'Secret') return invalid(`a certificate is in a Secret, not in ${kind} ${name}`);
  const own = gateway.metadata?.namespace ?? 'default';
  const to = { group: '', kind: 'Secret', namespace: namespace ?? own, name };
  const secret = `${to.namespace}/${name}`;
  if (!isGranted(grants, { group: GATEWAY_GROUP, kind: 'Gateway', namespace: own }, to)) {
    const message = `no ReferenceGrant in namespace ${to.namespace} lets Gateways of ${own} name Secret ${name}`;
    return fails('ResolvedRefs', 'RefNotPermitted', message);
  }
  const data = secrets.get(secret);
  if (data === undefined) return invalid(`Secret ${secret} does not exist`);
  const { certificate = '', key = '' } = data;
  const inspected = inspectCertificate(certificate, key);
  if ('problem' in inspected) return invalid(`Secret ${secret}: ${inspected.problem}`);
  return { name: certificateName(secret), secret, pem: joinPem(certificate, key) };
}

function invalid(message: string): Verdict {
  return fails('ResolvedRefs', 'InvalidCertificateRef', message);
}

/** How messages call a listener. */
export function describeListener({ listener, host }: ListenerReading): string {
  return host.kind === 'any' ? listener.name : `${listener.name} (${hostText(host)})`;
}
