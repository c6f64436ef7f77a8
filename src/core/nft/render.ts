import { formatIp } from '../../base/ip/index.ts';
import { addressOfKey } from './key.ts';
import { FIELD_LAYOUT, IPPROTO, NFPROTO, RTN_LOCAL, TABLE, TYPE_BYTES } from './model.ts';
import type {
  Chain,
  ElementKey,
  Field,
  FieldType,
  NamedSet,
  Operand,
  Rule,
  Ruleset,
  SetSpec,
  Statement,
} from './model.ts';

/**
 * The ruleset in nft's own language, one `table` block that `nft -f -` loads. For people and tests: the agent speaks to
 * the kernel directly.
 */
export function renderRuleset(ruleset: Ruleset): string {
  const sets = [...ruleset.sets.values()].map(renderSet);
  // nft wants a chain to be declared before an element or rule names it, so chains without rules come first.
  const declared = [...ruleset.chains.values()].map((chain) => `\tchain ${chain.name} {\n${hookLine(chain)}\t}\n`);
  const chains = [...ruleset.chains.values()].map(renderChain);
  const table = `table ${TABLE.family} ${TABLE.name}`;
  return `${table} {\n${declared.join('')}}\n${table} {\n${[...sets, ...chains].join('\n')}}\n`;
}

/** One chain as a block. */
function renderChain(chain: Chain): string {
  const rules = chain.rules.map((rule) => `\t\t${renderRule(rule)}\n`).join('');
  return `\tchain ${chain.name} {\n${hookLine(chain)}${rules}\t}\n`;
}

/** One rule on one line. */
function renderRule(rule: Rule): string {
  return rule.map(renderStatement).join(' ');
}

/** One set or map with its elements as a block. */
function renderSet({ spec, elements }: NamedSet): string {
  const lines = [`\t${spec.data === undefined ? 'set' : 'map'} ${spec.name} {`, `\t\t${typeLine(spec)}`];
  if (spec.interval === true) lines.push('\t\tflags interval');
  if (spec.dynamic === true) lines.push('\t\tflags dynamic,timeout', `\t\tsize ${spec.size}`);
  const items = [...elements].map(([key, data]) => renderElement(spec, key, data));
  if (items.length > 0) lines.push(`\t\telements = { ${items.join(',\n\t\t\t     ')} }`);
  return `${lines.join('\n')}\n\t}\n`;
}

/** One element: `10.0.0.1 . tcp . 80 : goto web`. */
function renderElement(spec: SetSpec, key: ElementKey, data: string): string {
  const [first, last] = key.split('-');
  const from = fieldsOf(spec.key, first!);
  const to = last === undefined ? from : fieldsOf(spec.key, last);
  const text = from.map((each, i) => (each === to[i] ? each : `${each}-${to[i]}`)).join(' . ');
  if (spec.data === undefined) return text;
  return `${text} : ${spec.data === 'verdict' ? data : fieldsOf(spec.data, data).join(' . ')}`;
}

function hookLine({ hook }: Chain): string {
  if (hook === undefined) return '';
  const device = hook.device === undefined ? '' : ` device "${hook.device}"`;
  return `\t\ttype ${hook.type} hook ${hook.hook}${device} priority ${hook.priority}; policy accept;\n`;
}

/** What an `integer` key stands for has no name of its own as a type, only as the type of an expression. */
function typeLine(spec: SetSpec): string {
  const data = spec.data === undefined ? [] : spec.data === 'verdict' ? ['verdict'] : spec.data;
  if (!spec.key.includes('integer')) {
    return `type ${spec.key.join(' . ')}${data.length === 0 ? '' : ` : ${data.join(' . ')}`}`;
  }
  const expressions = (types: readonly string[]) => types.map((type) => EXPRESSION_OF[type as FieldType]).join(' . ');
  return `typeof ${expressions(spec.key)}${data.length === 0 ? '' : ` : ${expressions(data)}`}`;
}

const EXPRESSION_OF: Readonly<Record<FieldType, string>> = {
  ipv4_addr: 'ip daddr',
  ipv6_addr: 'ip6 daddr',
  ether_addr: 'ether saddr',
  ifname: 'meta iifname',
  inet_proto: 'meta l4proto',
  inet_service: 'th dport',
  mark: 'meta mark',
  integer: 'numgen random mod 2',
};

function fieldsOf(types: readonly FieldType[], key: ElementKey): string[] {
  let offset = 0;
  return types.map((type) => {
    const digits = TYPE_BYTES[type] * 2;
    const hex = key.slice(offset, offset + digits);
    offset += Math.ceil(TYPE_BYTES[type] / 4) * 8;
    return fieldText(type, hex);
  });
}

function fieldText(type: FieldType, hex: string): string {
  switch (type) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      return formatIp(addressOfKey(hex));
    case 'ether_addr':
      return hex.match(/../g)!.join(':');
    case 'ifname':
      return `"${nameOf(hex)}"`;
    case 'inet_proto':
    case 'inet_service':
      return String(Number.parseInt(hex, 16));
    case 'mark':
    case 'integer':
      return String(Number.parseInt(hex.match(/../g)!.reverse().join(''), 16));
  }
}

function nameOf(hex: string): string {
  const codes = hex.match(/../g)!.map((each) => Number.parseInt(each, 16));
  return String.fromCharCode(...codes.filter((code) => code !== 0));
}

function renderStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'interface':
      return `${statement.field.slice('meta '.length)} ${operator(statement.op)}"${statement.name}"`;
    case 'compare':
      return renderCompare(statement);
    case 'range':
      return `${statement.field} ${statement.negate === true ? '!= ' : ''}${statement.first}-${statement.last}`;
    case 'address': {
      const address = formatIp(addressOfKey(statement.address));
      const prefix = statement.prefix === undefined ? '' : `/${statement.prefix}`;
      return `${statement.field} ${operator(statement.op)}${address}${prefix}`;
    }
    case 'lookup':
      return `${renderKey(statement.key)} ${statement.negate === true ? '!= ' : ''}@${statement.set}`;
    case 'vmap':
      // As nft lists it; its grammar has no map in the place of the key.
      return `${renderKey(statement.key)}${statement.through === undefined ? '' : ` map @${statement.through}`} vmap @${statement.map}`;
    case 'counter':
      return 'counter';
    case 'limit':
      return `limit rate ${statement.perSecond}/second burst ${statement.burst} packets`;
    case 'log':
      return `log prefix "${statement.prefix}"`;
    case 'copy':
      return `log group ${statement.group}`;
    case 'notrack':
      return 'notrack';
    case 'set-mark':
      return `${statement.target} set ${statement.target} & ${hex(~statement.mask)} | ${hex(statement.value)}`;
    case 'copy-mark':
      return `meta mark set ct mark & ${hex(statement.mask)}`;
    case 'save-mark':
      return `ct mark set meta mark & ${hex(statement.mask)}`;
    case 'dnat-map':
      return `dnat ${ipWord(statement.family)} to ${renderKey(statement.key)} map @${statement.map}`;
    case 'remember': {
      // The kernel does it; the grammar of nft has no map in the place of data.
      const { map, key, seconds, from, choice } = statement;
      return `update @${map} { ${renderKey(key)} timeout ${seconds}s : ${renderKey(choice)} map @${from} }`;
    }
    case 'chance':
      return `numgen random mod ${statement.oneOf} 0`;
    case 'snat':
      return `snat ${ipWord(statement.family)} to ${formatIp(addressOfKey(statement.address))}`;
    case 'masquerade':
      return 'masquerade';
    case 'clamp-mss':
      return 'tcp option maxseg size set rt mtu';
    case 'reject':
      return statement.with === 'tcp-reset' ? 'reject with tcp reset' : 'reject with icmpx type port-unreachable';
    case 'verdict':
      return statement.verdict;
  }
}

function renderCompare({ field, mask, op, value }: Statement & { kind: 'compare' }): string {
  const [left, text] = [renderField(field), valueText(field, value)];
  if (mask === undefined) return `${left} ${operator(op)}${text}`;
  const number = (each: number) => (FIELD_LAYOUT[field].bytes === 4 ? hex(each) : String(each));
  return `${left} & ${number(mask)} ${op} ${number(value)}`;
}

function valueText(field: Field, value: number): string {
  if (field === 'meta nfproto') return value === NFPROTO[4] ? 'ipv4' : 'ipv6';
  if (field === 'meta l4proto') {
    const known = Object.entries(IPPROTO)
      .find(([, number]) => number === value)?.[0]
      .toLowerCase();
    return known === 'icmpv6' ? 'ipv6-icmp' : (known ?? String(value));
  }
  if (field === 'fib daddr type' || field === 'fib saddr type') return value === RTN_LOCAL ? 'local' : String(value);
  return String(value);
}

function renderKey(key: readonly Operand[]): string {
  return key.map((each) => (typeof each === 'string' ? renderField(each) : renderGenerated(each))).join(' . ');
}

function renderField(field: Field): string {
  return field === 'meta iifname' || field === 'meta oifname' ? field.slice('meta '.length) : field;
}

function renderGenerated(operand: Exclude<Operand, string>): string {
  return operand.kind === 'numgen'
    ? `numgen random mod ${operand.mod}`
    : `jhash ${operand.of} mod ${operand.mod} seed ${hex(operand.seed)}`;
}

function operator(op: '==' | '!='): string {
  return op === '==' ? '' : '!= ';
}

function ipWord(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6';
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
