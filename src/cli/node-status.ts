import type { BgpStatus } from '../app/agent/bgp-speaker.ts';
import { sessionKind } from '../core/bgp/index.ts';
import type { SessionKind } from '../core/bgp/index.ts';
import { table } from './table.ts';

/** What of a node cannot be shown, because there is none or nobody says it. */
export interface NoBgp {
  readonly node: string;
  readonly reason: string;
}

const TYPES: Readonly<Record<SessionKind, string>> = {
  mesh: 'node-to-node mesh',
  node: 'node specific',
  global: 'global',
};

/** Whether everything is as it should be: each session established, the node ready, and nothing amiss. */
export function isWell({ error, notReady, problems, sessions }: BgpStatus): boolean {
  return (
    error === '' && notReady === '' && problems.length === 0 && sessions.every(({ info }) => info === 'Established')
  );
}

/** The BGP of one node for people: its sessions, the routes that others told it, and what is amiss. */
export function nodeStatusText(status: BgpStatus): string {
  const { node, error, notReady, problems, sessions, routes } = status;
  const established = sessions.filter(({ info }) => info === 'Established').length;
  const amiss = [...(error === '' ? [] : [error]), ...problems.map(({ object, message }) => `${object}: ${message}`)];
  return [
    `Node ${node}: ${established} of ${sessions.length} BGP sessions established`,
    ...(notReady === '' || notReady === error ? [] : [`Not ready: ${notReady}`]),
    ...(sessions.length === 0 ? [] : ['', sessionTable(status)]),
    ...(routes.some(({ from }) => sessionKind(from) !== undefined) ? ['', routeTable(status)] : []),
    ...(amiss.length === 0 ? [] : ['', 'Problems:', ...amiss.map((line) => `  ${line}`)]),
  ].join('\n');
}

function sessionTable({ sessions }: BgpStatus): string {
  const rows = sessions.map(({ name, peer, peerAs, state, since, info, imported, exported }) => {
    const kind = sessionKind(name);
    const type = kind === undefined ? name : TYPES[kind];
    return [peer, String(peerAs), type, state, since, info, String(imported), String(exported)];
  });
  return table(['PEER', 'AS', 'TYPE', 'STATE', 'SINCE', 'INFO', 'ROUTES IN', 'OUT'], rows);
}

/** What is learnt; `*` marks the way that packets take. */
function routeTable({ routes, sessions }: BgpStatus): string {
  const peers = new Map(sessions.map(({ name, peer }) => [name, peer]));
  const learnt = routes.filter(({ from }) => sessionKind(from) !== undefined);
  const rows = learnt.map(({ destination, hops, from, best }) => [
    `${best ? '*' : ' '} ${destination}`,
    hops.map(({ via, link }) => (via === undefined ? `dev ${link}` : `${via} dev ${link}`)).join(', ') || '-',
    peers.get(from) ?? from,
  ]);
  return table(['  ROUTE', 'VIA', 'FROM'], rows);
}
