import type { IpPool } from './types.ts';

/** What most pools of tests have in common: everybody may take of them. */
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
