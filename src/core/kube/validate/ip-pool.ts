import { cidrCovers, equalIp, formatCidr, networkOf, parseCidr } from '../../../base/ip/index.ts';
import { selectorField } from './calico-fields.ts';
import { child, integer, items, oneOf, reject, rejectAll, requireText, rootField, text } from './field.ts';
import type { Field } from './field.ts';
import { cidrBlock } from './names.ts';

const MODES = ['Always', 'CrossSubnet', 'Never'];
const USES = ['Workload', 'Tunnel', 'LoadBalancer'];

/** Ranges that every link has for itself (RFC 3927, RFC 4291 §2.5.6). */
const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10'].map((text) => parseCidr(text)!);

/**
 * Checks an IPPool by Calico's rules; block sizes are /20 to /32, or /116 to /128. `previous` is what an update replaces:
 * the addresses that were given out are tied to its range and to the size of its blocks.
 */
export function validateIpPool(object: Field, previous?: unknown): void {
  const spec = child(object, 'spec');
  const field = child(spec, 'cidr');
  const range = requireText(field);
  if (range !== undefined) rejectAll(field, cidrBlock(range));
  const cidr = range === undefined ? undefined : parseCidr(range);
  if (previous !== undefined) rejectChanges(spec, child(rootField(previous), 'spec'));
  selectorField(child(spec, 'nodeSelector'));
  selectorField(child(spec, 'namespaceSelector'));
  validateUses(spec);
  oneOf(child(spec, 'assignmentMode'), ['Automatic', 'Manual']);
  oneOf(child(spec, 'vxlanMode'), MODES);
  oneOf(child(spec, 'ipipMode'), MODES);
  const on = (name: string): boolean => ['Always', 'CrossSubnet'].includes(String(child(spec, name).value));
  if (on('ipipMode') && on('vxlanMode'))
    reject(child(spec, 'ipipMode'), 'ipipMode and vxlanMode cannot both be enabled on the same IP pool');
  if (cidr === undefined) return;
  if (on('ipipMode') && cidr.ip.family === 6)
    reject(child(spec, 'ipipMode'), 'IPIP carries IPv4 only: use vxlanMode in an IPv6 pool');
  for (const reserved of LINK_LOCAL)
    if (cidrCovers(reserved, cidr) || cidrCovers(cidr, reserved))
      reject(field, `overlaps the link-local range ${formatCidr(reserved)}`);
  if (!equalIp(networkOf(cidr).ip, cidr.ip))
    reject(field, `must be strictly masked: the block is ${formatCidr(networkOf(cidr))}`);
  const size = child(spec, 'blockSize');
  const [least, most, usual] = cidr.ip.family === 4 ? [20, 32, 26] : [116, 128, 122];
  const blockSize = integer(size) ?? usual;
  if (blockSize < least || blockSize > most) reject(size, `must be between ${least} and ${most}, inclusive`);
  else if (cidr.prefix > blockSize)
    reject(
      field,
      `is smaller than one block of size /${blockSize}: choose a prefix of at most ${blockSize} or a larger blockSize`,
    );
}

function rejectChanges(spec: Field, before: Field): void {
  const advice = 'create another pool and disable this one';
  const [cidr, blockSize] = [child(spec, 'cidr'), child(spec, 'blockSize')];
  const old = child(before, 'cidr').value;
  if (cidr.value !== old) reject(cidr, `cannot be changed from ${String(old)}: ${advice}`);
  const oldSize = integer(child(before, 'blockSize')) ?? usualSize(old);
  if ((blockSize.value ?? usualSize(cidr.value)) !== oldSize)
    reject(blockSize, `cannot be changed from ${oldSize}: ${advice}`);
}

function usualSize(cidr: unknown): number {
  return String(cidr).includes(':') ? 122 : 26;
}

/** Addresses of Services belong to no node and to no tunnel. */
function validateUses(spec: Field): void {
  const field = child(spec, 'allowedUses');
  const uses = items(field);
  for (const use of uses) oneOf(use, USES);
  const values = uses.map(({ value }) => value);
  const nodeSelector = text(child(spec, 'nodeSelector')) ?? 'all()';
  if (values.includes('LoadBalancer') && values.length > 1)
    reject(field, 'LoadBalancer cannot be combined with Workload or Tunnel on the same IP pool');
  if (values.includes('LoadBalancer') && nodeSelector !== 'all()')
    reject(child(spec, 'nodeSelector'), 'must be all() on a pool for LoadBalancer: Services belong to no node');
  const namespaceSelector = text(child(spec, 'namespaceSelector')) ?? 'all()';
  if (values.includes('Tunnel') && namespaceSelector !== 'all()')
    reject(child(spec, 'namespaceSelector'), 'must be all() on a pool for Tunnel: tunnels belong to no namespace');
}
