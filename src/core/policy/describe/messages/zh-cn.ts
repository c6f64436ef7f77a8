import type { DescribePhrases, Where } from './catalogue.ts';
import { spaceChinese } from './zh-spacing.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;
const ENDS = { source: '源', destination: '目的' } as const;

/** 简体中文。 */
export const zhCn: DescribePhrases = {
  finish: (text) => spaceChinese(text.replace(' (ping)', '（ping）')),
  and: (parts) => joined(parts),
  or: (parts) => parts.join('，或'),

  pods: (labels, where) => `${whereText(where)}${labels === undefined ? '的所有 Pod' : `标签匹配${labels}的 Pod`}`,
  nodes: (labels) => (labels === undefined ? '所有节点' : `标签匹配${labels}的节点`),
  endpoints: (labels) =>
    labels === undefined ? '所有 Pod、主机端点和网络集合' : `标签匹配${labels}的 Pod、主机端点和网络集合`,
  hostEndpoints: (labels) => (labels === undefined ? '所有主机端点' : `标签匹配${labels}的主机端点`),
  everyAddress: (family) => `任意 IPv${family} 地址`,
  block: (cidr, except) => (except.length === 0 ? cidr : `${cidr}（${joined(except)}除外）`),
  service: (key) => `Service ${key} 的端点`,
  domain: (name, below) => (below ? `${name} 之下所有域名的地址` : `${name} 的地址`),
  anybody: (direction) => (direction === 'ingress' ? '任何来源' : '任何目的地'),
  count: (kind, count) => {
    const noun = kind === 'pod' ? 'Pod' : '节点';
    return count === 0 ? `（目前没有${noun}）` : `（目前 ${count} 个${noun}）`;
  },

  allPorts: (protocol) => `${protocol} 全部端口`,
  port: (protocol, text) => `${protocol} ${text}`,
  namedPort: (protocol, name) => `名为 ${name} 的${protocol ?? ''}端口`,
  everything: () => '所有流量',

  rule: (action, direction, traffic, peers) => {
    const what = `${direction === 'ingress' ? '来自' : '发往'}${peers}的${traffic}`;
    if (action === 'pass') return `把${what}交给下一层级判断`;
    return `${{ allow: '允许', deny: '拒绝', log: '记录' }[action]}${what}`;
  },
  matchesNothing: () => '没有对端能匹配，此规则不起作用',
  qualified: (rule, conditions) => [rule, ...conditions].join('，'),
  onlyFamily: (family) => `仅限 IPv${family}`,
  protocol: (name, negate) => (negate ? `协议 ${name} 除外` : `仅限协议 ${name}`),
  icmp: (type, code, negate) => {
    const what = `ICMP 类型 ${type}${code === undefined ? '' : `、代码 ${code}`}`;
    return negate ? `${what}除外` : `仅限 ${what}`;
  },
  side: (side, peers, negate) => {
    const what = `${side === 'source' ? '来自' : '发往'}${peers}`;
    return negate ? `${what}的除外` : `仅当${what}时`;
  },
  sidePort: (side, ports, negate) =>
    negate ? `${ENDS[side]}端口为 ${ports} 的除外` : `仅当${ENDS[side]}端口为 ${ports} 时`,

  appliesTo: (subject) => `适用于${subject}。`,
  now: (names, more) =>
    `目前选中 ${names.length + more} 个 Pod：${names.join('、')}${more === 0 ? '' : `，以及另外 ${more} 个`}。`,
  notLimited: (direction) => `${SIDES[direction]}：此策略不作限制。`,
  nothingAllowed: (direction) => `${SIDES[direction]}：一律拒绝，此策略没有规则允许任何流量。`,
  onlyAllowed: (direction) => `${SIDES[direction]}：除以下规则允许的流量外，一律拒绝：`,
  firstMatch: (direction, otherwise) =>
    `${SIDES[direction]}：由第一条匹配的规则决定；${
      otherwise === 'deny' ? '该层级中没有策略作出决定的流量被拒绝' : '没有规则匹配的流量交给后面的策略和层级判断'
    }：`,
  placeBefore: (tier, order) =>
    `位于层级 ${tier}${orderText(order)}，先于所有 NetworkPolicy：它允许或拒绝的流量，NetworkPolicy 无法更改。`,
  placeAmong: (tier, order, networkPolicies) =>
    `位于层级 ${tier}${orderText(order)}，与 NetworkPolicy 同层（后者的 order 为 ${networkPolicies}）；order 小的先判断。`,
  placeAfter: (tier, order) =>
    `位于层级 ${tier}${orderText(order)}，在所有 NetworkPolicy 之后：只对在该方向上未被任何 NetworkPolicy 选中的 Pod 起作用。`,
  placeEarly: (tier, order, untracked) =>
    `位于层级 ${tier}${orderText(order)}，在 Service 转换之前判断：端口和地址是客户端所请求的，例如 NodePort。${
      untracked ? '不跟踪连接：每个数据包单独判断，回复也是如此。' : ''
    }`,

  doesNot: () => '它不做什么：',
  staged: () => '它是暂存（staged）策略：以上内容均未生效。',
  noTier: (tier) => `层级 ${tier} 不存在，因此以上内容均未生效。`,
  selectsNothing: () => '它目前没有选中任何 Pod，因此目前不起作用。',
  earlierPolicies: (policies) => `它不是最先判断的：对其中一些 Pod，${joined(policies)}先于它判断。`,
  noDirection: (direction) =>
    direction === 'ingress'
      ? '不限制入站流量：谁可以访问这些 Pod 由其他策略决定。'
      : '不限制出站流量：这些 Pod 可以访问什么由其他策略决定。',
  protocols: (action, direction, named, others) =>
    action === 'allow'
      ? `${SIDES[direction]}：只允许 ${joined(named)}；${joined(others)}被拒绝。`
      : `${SIDES[direction]}：只拒绝 ${joined(named)}；${joined(others)}不受影响。`,
  outside: (direction) =>
    direction === 'ingress'
      ? '不允许来自集群外部的流量：选择器只选择 Pod，而规则中没有地址。'
      : '不允许发往集群外部的流量：选择器只选择 Pod，而规则中没有地址。',
  dns: () => '不允许 DNS：除非另有策略允许 UDP 和 TCP 53 端口，这些 Pod 无法解析域名。',
  ownNamespace: (namespace) => `单独的 podSelector 不表示其他命名空间中的 Pod：它只在命名空间 ${namespace} 中选择。`,
  portsOfPods: () => '不是指 Service 的端口：端口是 Pod 自己的端口，即经过转换之后的端口（targetPort，而不是 port）。',
  domains: () => '不理会域名背后是什么：域名只表示集群 DNS 应答过的地址。',
  union: () => '不能禁止其他 NetworkPolicy 允许的流量：所有 NetworkPolicy 的规则是叠加的。',
  bothSides: () => '不能代表另一端：连接还必须得到对端 Pod 的策略允许。',
  hostNetwork: (peers) =>
    `不选择 hostNetwork 的 Pod${peers ? '，规则中的 Pod 选择器也不匹配它们' : ''}：它们算作所在的节点。`,
  ownNode: (both) =>
    both ? '不影响 Pod 与其所在节点之间的流量：两个方向都始终允许。' : '不影响节点发往其上 Pod 的流量：始终允许。',
  forwarded: () => '不限制主机端点转发的流量，只限制节点自己收发的流量。',
  replies: () => '不阻止回复流量：属于已允许连接的数据包不需要规则。',
};

function whereText(where: Where): string {
  if (where.kind === 'all') return '所有命名空间中';
  return where.kind === 'named' ? `命名空间 ${where.name} 中` : `标签匹配${where.labels}的命名空间中`;
}

function orderText(order: number | null): string {
  return order === null ? '，排在最后' : `，order 为 ${order}`;
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join('、')}和${parts.at(-1)}`;
}
