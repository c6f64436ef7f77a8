import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { communityStatements, filterStatements, within } from './bird-filter.ts';
import { quoted } from './bird-text.ts';
import { recoveryHold, recoveryTime } from './recovery.ts';
import type { BgpPool, BgpSession, BgpView, LogSeverity } from './types.ts';

/** `rtm_protocol` of the routes that the agent programs itself. */
const OWN_ROUTES = 80;
/** Metric of BIRD's routes in the kernel; BIRD's own default, behind any route of the agent. */
const METRIC = 32;
/** Interfaces of pods and of tunnels, and kube-proxy's, whose addresses are no networks. */
const FOREIGN_INTERFACES = ['slc*', '*.sluice', 'cali*', 'kube-ipvs*'];

/**
 * The configuration of BIRD 2 for one node: the same view always gives the same text, and a session's part of it depends
 * on nothing but that session, so that BIRD leaves it alone when others change.
 */
export function birdConfig(view: BgpView): string {
  const sections = [
    ['# Written by the Sluice agent, which writes it anew when the cluster changes.', ...common(view)],
    ...([4, 6] as const).map((family) => familySection(view, family)),
    ...view.sessions.map((session) => sessionSection(session)),
    recoveryHold(view),
    view.sessions.some(usesBfd) ? BFD : [],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const SEVERITIES: Readonly<Record<LogSeverity, string>> = {
  Debug: 'all',
  Info: '{ info, remote, warning, error, auth, fatal, bug }',
  Warning: '{ remote, warning, error, auth, fatal, bug }',
  Error: '{ error, auth, fatal, bug }',
  Fatal: '{ fatal, bug }',
};

function common(view: BgpView): readonly string[] {
  const { logSeverity, routerId, ignoredInterfaces } = view;
  const ignored = [...FOREIGN_INTERFACES, ...ignoredInterfaces].map((pattern) => `-${quoted(pattern)}`);
  return [
    `log stderr ${SEVERITIES[logSeverity]};`,
    `debug protocols ${logSeverity === 'Debug' ? 'all' : '{ states }'};`,
    `router id ${routerId};`,
    'timeformat protocol iso long;',
    'timeformat route iso long;',
    `graceful restart wait ${recoveryTime(view)};`,
    '',
    'protocol device { scan time 10; }',
    `protocol direct { ipv4; ipv6; interface ${ignored.join(', ')}, "*"; }`,
  ];
}

/** Routes of one family: what lives here, what is learnt, and what the kernel and the peers get of it. */
function familySection(view: BgpView, family: Family): readonly string[] {
  const of = (cidrs: readonly Cidr[]): readonly Cidr[] => cidrs.filter(({ ip }) => ip.family === family);
  const pools = (predicate: (pool: BgpPool) => boolean): readonly Cidr[] =>
    of(view.pools.filter(predicate).map(({ cidr }) => cidr));
  const shared = [...pools(({ exported }) => exported), ...of(view.services)];
  return [
    staticProtocol(`workloads${family}`, family, of(view.workloads).map(blackhole)),
    staticProtocol(`services${family}`, family, of(view.services).map(blackhole)),
    staticProtocol(
      `reachable${family}`,
      family,
      view.reachable
        .filter(({ destination }) => destination.ip.family === family)
        .map(({ destination, via }) => `route ${formatCidr(destination)} via ${formatIp(via)};`),
    ),
    `filter kernel_export${family} {`,
    `  if proto != "reachable${family}" && source != RTS_BGP then reject;`,
    // Whoever made the tunnel programs what is behind it.
    ...indented([rejectWithin(pools(({ tunnelled }) => tunnelled))]),
    `  if !defined(krt_metric) then krt_metric = ${METRIC};`,
    '  accept;',
    '}',
    `protocol kernel kernel${family} {`,
    '  learn; persist; scan time 10; graceful restart; merge paths on; metric 0;',
    `  ipv${family} {`,
    `    import filter { if krt_source = ${OWN_ROUTES} then reject; accept; };`,
    `    export filter kernel_export${family};`,
    '  };',
    '}',
    `function communities_of${family}() {`,
    ...indented(communityStatements(view.prefixAdvertisements, family)),
    '}',
    `function peer_export${family}() {`,
    ...indented([rejectWithin(pools(({ exported }) => !exported))]),
    `  if proto = "workloads${family}" || proto = "services${family}" then accept;`,
    `  if source = RTS_BGP && ${within(shared)} then accept;`,
    '  reject;',
    '}',
  ].filter((line) => line !== '');
}

function staticProtocol(name: string, family: Family, routes: readonly string[]): string {
  const body = [`ipv${family};`, ...routes].map((line) => `  ${line}`);
  return [`protocol static ${name} {`, ...body, '}'].join('\n');
}

function blackhole(cidr: Cidr): string {
  return `route ${formatCidr(cidr)} blackhole;`;
}

function rejectWithin(cidrs: readonly Cidr[]): string {
  return cidrs.length === 0 ? '' : `if ${within(cidrs)} then reject;`;
}

/** Whether failures of the path are to be noticed at once: only where the peer is a neighbour. */
function usesBfd({ bfd, attached }: BgpSession): boolean {
  return bfd && attached;
}

/**
 * A node that comes back after a power cut answers the first packet of an old session by a reset, and then has a new one; the
 * side that waits for it cannot call. Seconds.
 */
const TIMERS = 'hold time 90; keepalive time 10; connect retry time 3; error wait time 1, 30;';
/**
 * How long before a session calls its peer, seconds. FRR calls a second after it lost a peer, and where both call at once, it
 * may drop both connections, and with them the routes that it kept for the restart: to others the node calls later.
 */
const CONNECT_DELAY = { mesh: 1, node: 2, global: 2 } as const;

function sessionSection(session: BgpSession): readonly string[] {
  const { name, local, localAs, listenPort, peer, peerAs, passive, password, maxRestart, allowedLocalAs } = session;
  const { family } = peer.ip;
  const bound = local === undefined ? '' : ` ${formatIp(local)}`;
  return [
    `protocol bgp ${name} {`,
    ...indented([
      `local${bound} port ${listenPort} as ${localAs};`,
      `neighbor ${formatIp(peer.ip)} port ${peer.port ?? 179} as ${peerAs};`,
      distance(session),
      session.strictBind && local !== undefined ? 'strict bind on;' : '',
      password === undefined ? '' : `password ${quoted(password)};`,
      passive ? 'passive on;' : '',
      `${TIMERS} connect delay time ${CONNECT_DELAY[session.kind]};`,
      `graceful restart on;${maxRestart === undefined ? '' : ` graceful restart time ${maxRestart};`}`,
      bfdOption(session),
      allowedLocalAs === undefined ? '' : `allow local as ${allowedLocalAs};`,
      session.reflect === undefined ? '' : `rr client; rr cluster id ${session.reflect};`,
      `ipv${family} {`,
      ...indented([
        ...filter('import', [...filterStatements(session, 'import', family), 'accept;']),
        ...filter('export', [
          `communities_of${family}();`,
          ...filterStatements(session, 'export', family),
          `peer_export${family}();`,
        ]),
        'add paths on; gateway recursive;',
        session.nextHop === 'auto' ? '' : `next hop ${session.nextHop};`,
      ]),
      '};',
    ]),
    '}',
  ];
}

/**
 * A path that BFD finds broken is given up at once. Only for a peer that may restart in peace, whose own BFD ends with it,
 * are its routes kept as long as that may take.
 */
function bfdOption(session: BgpSession): string {
  if (!usesBfd(session)) return '';
  return session.maxRestart === undefined ? 'bfd on;' : 'bfd graceful;';
}

/** Calico's sessions allow for routers in between; what is measured in hops or watched by BFD does not. */
function distance(session: BgpSession): string {
  const { ttlSecurity } = session;
  const secured = ttlSecurity === undefined ? '' : ' ttl security on;';
  if (usesBfd(session)) return `direct;${secured}`;
  return `multihop${ttlSecurity === undefined ? '' : ` ${ttlSecurity}`};${secured}`;
}

function filter(direction: 'import' | 'export', statements: readonly string[]): readonly string[] {
  return [`${direction} filter {`, ...indented(statements), '};'];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line !== '').map((line) => `  ${line}`);
}

/** A neighbour that is silent for 1.5 seconds is gone. */
const BFD = ['protocol bfd { interface "*" { interval 300 ms; multiplier 5; }; }'];
