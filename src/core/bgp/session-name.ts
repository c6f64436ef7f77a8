import { formatIp } from '../../base/ip/index.ts';
import type { PeerAddress } from '../kube/bgp-values.ts';
import type { SessionKind } from './types.ts';

const PREFIXES: Readonly<Record<SessionKind, string>> = { mesh: 'Mesh', node: 'Node', global: 'Global' };

/** Calico's names, which BIRD's status shows: `Mesh_172_30_1_12`, `Global_10_0_0_1_port_1790`. */
export function sessionName(kind: SessionKind, { ip, port }: PeerAddress): string {
  const suffix = port === undefined ? '' : `_port_${port}`;
  return `${PREFIXES[kind]}_${formatIp(ip).replace(/[^0-9a-f]/g, '_')}${suffix}`;
}

/** What a session of that name is; undefined for names that are not of our making. */
export function sessionKind(name: string): SessionKind | undefined {
  return (['mesh', 'node', 'global'] as const).find((kind) => name.startsWith(`${PREFIXES[kind]}_`));
}
