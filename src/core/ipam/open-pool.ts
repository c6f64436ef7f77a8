import type { IpPool } from './types.ts';

/** What a pool is where nobody says otherwise: everybody may take of it, pods leave under their node's address, no tunnels. */
export const OPEN_POOL: Omit<IpPool, 'name' | 'cidr' | 'blockSize'> = {
  disabled: false,
  nodeSelector: 'all()',
  namespaceSelector: 'all()',
  allowedUses: ['Workload', 'Tunnel'],
  assignmentMode: 'Automatic',
  disableBGPExport: false,
  natOutgoing: true,
  vxlanMode: 'Never',
  ipipMode: 'Never',
};
