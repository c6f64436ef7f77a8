import { cidrCovers, formatCidr, networkOf, parseCidr, parseIp, hostCidr } from '../../../base/ip/index.ts';
import type { Cidr, Family } from '../../../base/ip/index.ts';
import { matchesLabels, parseSelector } from '../labels.ts';
import type { LabelSelector } from '../types.ts';
import type { RuleContext } from './calico-rule.ts';
import { namespaceSelectors, podSelectors } from './calico-selectors.ts';
import { isObject } from './conversion.ts';
import type { FieldRemark, JsonObject } from './conversion.ts';

const REFUSED: Readonly<Record<string, string>> = {
  notSelector: 'a NetworkPolicy cannot say who is not meant, addresses outside included: select who is',
  notPorts: 'a NetworkPolicy cannot leave ports out: give the ranges around them',
  serviceAccounts: 'a NetworkPolicy knows pods by their labels alone: label the pods of that service account',
  services: 'a NetworkPolicy knows no Services: select the pods behind it',
  domains: 'a NetworkPolicy knows no domain names',
};
const FIELDS = ['selector', 'namespaceSelector', 'nets', 'notNets', 'ports'];
const EVERYWHERE: Readonly<Record<Family, Cidr>> = { 4: parseCidr('0.0.0.0/0')!, 6: parseCidr('::/0')! };

/** The other side of a rule as entries of `from` or `to`; `any` when it is not limited. */
export function calicoPeers(
  side: JsonObject,
  ipVersion: unknown,
  path: string,
  context: RuleContext,
): 'any' | readonly JsonObject[] {
  const { problems } = context;
  for (const name of Object.keys(side)) {
    const isSource = path.endsWith('.source');
    const message = name === 'ports' && isSource ? 'a NetworkPolicy knows destination ports only' : REFUSED[name];
    if (message !== undefined || !FIELDS.includes(name))
      problems.push({
        path: `${path}.${name}`,
        message: message ?? 'unknown field, so what the rule means is not certain',
      });
  }
  const selected = isText(side['selector']) || isText(side['namespaceSelector']);
  const family = familyOf(ipVersion, path, problems);
  const nets = blocks(side['nets'], `${path}.nets`, problems);
  const notNets = blocks(side['notNets'], `${path}.notNets`, problems);
  const limited = nets.length > 0 || notNets.length > 0 || family !== undefined;
  if (!selected) return limited ? blockPeers({ nets, notNets, family }, path, problems) : 'any';
  if (limited)
    problems.push({
      path,
      message: 'a peer of a NetworkPolicy has a selector or addresses, never both: keep the Calico policy',
    });
  return podPeers(side, path, context);
}

function podPeers(side: JsonObject, path: string, context: RuleContext): readonly JsonObject[] {
  const { problems } = context;
  const pods = podSelectors(side['selector'], `${path}.selector`, problems);
  const everywhere = isText(side['namespaceSelector']);
  const namespaces = everywhere
    ? namespaceSelectors(side['namespaceSelector'], `${path}.namespaceSelector`, problems)
    : [undefined];
  for (const set of context.networkSets) {
    if (everywhere || namespaceOf(set) === context.namespace) refuseNetworkSet(set, pods, path, problems);
  }
  return namespaces.flatMap((namespaceSelector) =>
    pods.map((podSelector) => ({
      ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
      ...(isText(side['selector']) || namespaceSelector === undefined ? { podSelector } : {}),
    })),
  );
}

function refuseNetworkSet(set: JsonObject, pods: readonly JsonObject[], path: string, problems: FieldRemark[]): void {
  const metadata = isObject(set['metadata']) ? set['metadata'] : {};
  const labels = (isObject(metadata['labels']) ? metadata['labels'] : {}) as Record<string, string>;
  const chosen = pods.some((each) => {
    const parsed = parseSelector(each as LabelSelector);
    return 'selector' in parsed && matchesLabels(parsed.selector, labels);
  });
  if (!chosen) return;
  const message = `may also choose the NetworkSet ${String(metadata['name'])}, and selectors of a NetworkPolicy choose pods only: allow its addresses by a rule with nets`;
  problems.push({ path: `${path}.selector`, message });
}

/** Every block without the parts of it that are left out; blocks that are left out whole vanish. */
function blockPeers(
  { nets, notNets, family }: { nets: readonly Cidr[]; notNets: readonly Cidr[]; family: Family | undefined },
  path: string,
  problems: FieldRemark[],
): readonly JsonObject[] {
  const all = nets.length > 0 ? nets : [EVERYWHERE[4], EVERYWHERE[6]];
  // Exceptions of one family alone make Calico's rule one of that family.
  const left = all
    .filter((net) => family === undefined || net.ip.family === family)
    .filter((net) => notNets.length === 0 || notNets.some((hole) => hole.ip.family === net.ip.family))
    .filter((net) => !notNets.some((hole) => cidrCovers(hole, net)));
  // An empty list of peers would mean everybody.
  if (left.length === 0)
    problems.push({ path, message: 'no address is left, so the rule allows nothing: leave it out' });
  return left.map((net) => {
    const except = notNets.filter((hole) => cidrCovers(net, hole)).map(formatCidr);
    return { ipBlock: { cidr: formatCidr(net), ...(except.length === 0 ? {} : { except }) } };
  });
}

function blocks(value: unknown, path: string, problems: FieldRemark[]): readonly Cidr[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.flatMap((text, index) => {
    const ip = typeof text === 'string' ? parseIp(text) : undefined;
    const cidr = ip !== undefined ? hostCidr(ip) : typeof text === 'string' ? parseCidr(text) : undefined;
    if (cidr !== undefined) return [networkOf(cidr)];
    problems.push({ path: `${path}[${index}]`, message: 'must be a block of addresses such as 10.9.8.0/24' });
    return [];
  });
}

function familyOf(ipVersion: unknown, path: string, problems: FieldRemark[]): Family | undefined {
  if (ipVersion === undefined || ipVersion === null) return undefined;
  if (ipVersion === 4 || ipVersion === 6) return ipVersion;
  problems.push({ path: path.replace(/\.[^.]*$/, '.ipVersion'), message: 'must be 4 or 6' });
  return undefined;
}

function namespaceOf(object: JsonObject): string {
  const { metadata } = object;
  return isObject(metadata) && typeof metadata['namespace'] === 'string' ? metadata['namespace'] : 'default';
}

function isText(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
