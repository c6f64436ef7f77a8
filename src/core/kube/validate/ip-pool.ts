import { equalIp, formatCidr, networkOf, parseCidr } from '../../../base/ip/index.ts';
import { selectorField } from './calico-fields.ts';
import { child, integer, oneOf, reject, rejectAll, requireText } from './field.ts';
import type { Field } from './field.ts';
import { cidrBlock } from './names.ts';

const MODES = ['Always', 'CrossSubnet', 'Never'];

/** Checks a `crd.projectcalico.org/v1` IPPool; block sizes are Calico's: /20 to /32, or /116 to /128. */
export function validateIpPool(object: Field): void {
  const spec = child(object, 'spec');
  const field = child(spec, 'cidr');
  const text = requireText(field);
  if (text !== undefined) rejectAll(field, cidrBlock(text));
  const cidr = text === undefined ? undefined : parseCidr(text);
  selectorField(child(spec, 'nodeSelector'));
  oneOf(child(spec, 'vxlanMode'), MODES);
  oneOf(child(spec, 'ipipMode'), MODES);
  const on = (name: string): boolean => ['Always', 'CrossSubnet'].includes(String(child(spec, name).value));
  if (on('ipipMode') && on('vxlanMode'))
    reject(child(spec, 'ipipMode'), 'ipipMode and vxlanMode cannot both be enabled on the same IP pool');
  if (cidr === undefined) return;
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
