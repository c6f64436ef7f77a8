import { equalIp, formatCidr, networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { OPEN_POOL } from './open-pool.ts';
import { defaultBlockSize, validatePool } from './pool.ts';
import type { IpPool } from './types.ts';

type Modes = Pick<IpPool, 'vxlanMode' | 'ipipMode'>;

const PLAIN: Modes = { vxlanMode: 'Never', ipipMode: 'Never' };

/** What a pool says of tunnels, by backend. */
const MODES = new Map<string, Readonly<Record<Family, Modes>>>([
  ['vxlan', both({ ...PLAIN, vxlanMode: 'Always' })],
  ['cross-subnet', both({ ...PLAIN, vxlanMode: 'CrossSubnet' })],
  // IPIP carries IPv4 only.
  ['ipip', { 4: { ...PLAIN, ipipMode: 'Always' }, 6: { ...PLAIN, vxlanMode: 'Always' } }],
  ['ipip-cross-subnet', { 4: { ...PLAIN, ipipMode: 'CrossSubnet' }, 6: { ...PLAIN, vxlanMode: 'CrossSubnet' } }],
]);

/**
 * The pools that a cluster without any gets, one for each family whose CIDR is set (`ipv4_pool_cidr` and so on in
 * ConfigMap `sluice-config`), under Calico's names. What is wrong is added to `problems`.
 */
export function defaultPools(env: Readonly<Record<string, string | undefined>>, problems: string[]): readonly IpPool[] {
  return ([4, 6] as const).flatMap((family) => {
    const variable = `SLUICE_IPV${family}_POOL`;
    const text = env[`${variable}_CIDR`] ?? '';
    if (text === '') return [];
    const cidr = parseCidr(text);
    if (cidr?.ip.family !== family || !equalIp(networkOf(cidr).ip, cidr.ip)) {
      const hint = cidr?.ip.family === family ? `; the network is ${formatCidr(networkOf(cidr))}` : '';
      problems.push(`${variable}_CIDR (ipv${family}_pool_cidr) is '${text}', must be an IPv${family} CIDR${hint}`);
      return [];
    }
    const blockSize = env[`${variable}_BLOCK_SIZE`] ?? '';
    if (!/^\d*$/.test(blockSize))
      problems.push(`${variable}_BLOCK_SIZE (ipv${family}_pool_block_size) is '${blockSize}', must be a prefix length`);
    const natOutgoing = env[`${variable}_NAT_OUTGOING`] ?? 'true';
    if (natOutgoing !== 'true' && natOutgoing !== 'false')
      problems.push(
        `${variable}_NAT_OUTGOING (ipv${family}_pool_nat_outgoing) is '${natOutgoing}', must be true or false`,
      );
    const pool: IpPool = {
      ...OPEN_POOL,
      name: `default-ipv${family}-ippool`,
      cidr,
      blockSize: blockSize === '' ? defaultBlockSize(family) : Number(blockSize),
      natOutgoing: natOutgoing === 'true',
      ...(MODES.get(env['SLUICE_BACKEND'] ?? 'vxlan')?.[family] ?? PLAIN),
    };
    for (const { path, message } of validatePool(pool, []))
      problems.push(`the default IPv${family} pool (ipv${family}_pool_… in sluice-config): ${path} ${message}`);
    return [pool];
  });
}

function both(modes: Modes): Readonly<Record<Family, Modes>> {
  return { 4: modes, 6: modes };
}
