import type { DescribePhrases, Where } from './catalogue.ts';
import { spaceChinese } from './zh-spacing.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;
const ENDS = { source: '來源', destination: '目的' } as const;

/** 繁體中文。 */
export const zhTw: DescribePhrases = {
  finish: (text) => spaceChinese(text.replace(' (ping)', '（ping）')),
  and: (parts) => joined(parts),
  or: (parts) => parts.join('，或'),

  pods: (labels, where) => `${whereText(where)}${labels === undefined ? '的所有 Pod' : `標籤符合${labels}的 Pod`}`,
  nodes: (labels) => (labels === undefined ? '所有節點' : `標籤符合${labels}的節點`),
  endpoints: (labels) =>
    labels === undefined ? '所有 Pod、主機端點和網路集合' : `標籤符合${labels}的 Pod、主機端點和網路集合`,
  hostEndpoints: (labels) => (labels === undefined ? '所有主機端點' : `標籤符合${labels}的主機端點`),
  everyAddress: (family) => `任意 IPv${family} 位址`,
  block: (cidr, except) => (except.length === 0 ? cidr : `${cidr}（${joined(except)}除外）`),
  service: (key) => `Service ${key} 的端點`,
  domain: (name, below) => (below ? `${name} 之下所有網域名稱的位址` : `${name} 的位址`),
  anybody: (direction) => (direction === 'ingress' ? '任何來源' : '任何目的地'),
  count: (kind, count) => {
    const noun = kind === 'pod' ? 'Pod' : '節點';
    return count === 0 ? `（目前沒有${noun}）` : `（目前 ${count} 個${noun}）`;
  },

  allPorts: (protocol) => `${protocol} 全部連接埠`,
  port: (protocol, text) => `${protocol} ${text}`,
  namedPort: (protocol, name) => `名為 ${name} 的${protocol ?? ''}連接埠`,
  everything: () => '所有流量',

  rule: (action, direction, traffic, peers) => {
    const what = `${direction === 'ingress' ? '來自' : '發往'}${peers}的${traffic}`;
    if (action === 'pass') return `把${what}交給下一層級判斷`;
    return `${{ allow: '允許', deny: '拒絕', log: '記錄' }[action]}${what}`;
  },
  matchesNothing: () => '沒有對端能符合，此規則不起作用',
  qualified: (rule, conditions) => [rule, ...conditions].join('，'),
  onlyFamily: (family) => `僅限 IPv${family}`,
  protocol: (name, negate) => (negate ? `協定 ${name} 除外` : `僅限協定 ${name}`),
  icmp: (type, code, negate) => {
    const what = `ICMP 類型 ${type}${code === undefined ? '' : `、代碼 ${code}`}`;
    return negate ? `${what}除外` : `僅限 ${what}`;
  },
  side: (side, peers, negate) => {
    const what = `${side === 'source' ? '來自' : '發往'}${peers}`;
    return negate ? `${what}的除外` : `僅當${what}時`;
  },
  sidePort: (side, ports, negate) =>
    negate ? `${ENDS[side]}連接埠為 ${ports} 的除外` : `僅當${ENDS[side]}連接埠為 ${ports} 時`,

  appliesTo: (subject) => `適用於${subject}。`,
  now: (names, more) =>
    `目前選中 ${names.length + more} 個 Pod：${names.join('、')}${more === 0 ? '' : `，以及另外 ${more} 個`}。`,
  notLimited: (direction) => `${SIDES[direction]}：此政策不作限制。`,
  nothingAllowed: (direction) => `${SIDES[direction]}：一律拒絕，此政策沒有規則允許任何流量。`,
  onlyAllowed: (direction) => `${SIDES[direction]}：除以下規則允許的流量外，一律拒絕：`,
  firstMatch: (direction, otherwise) =>
    `${SIDES[direction]}：由第一條符合的規則決定；${
      otherwise === 'deny' ? '該層級中沒有政策作出決定的流量會被拒絕' : '沒有規則符合的流量交給後面的政策和層級判斷'
    }：`,
  placeBefore: (tier, order) =>
    `位於層級 ${tier}${orderText(order)}，先於所有 NetworkPolicy：它允許或拒絕的流量，NetworkPolicy 無法更改。`,
  placeAmong: (tier, order, networkPolicies) =>
    `位於層級 ${tier}${orderText(order)}，與 NetworkPolicy 同層（後者的 order 為 ${networkPolicies}）；order 小的先判斷。`,
  placeAfter: (tier, order) =>
    `位於層級 ${tier}${orderText(order)}，在所有 NetworkPolicy 之後：只對在該方向上未被任何 NetworkPolicy 選中的 Pod 起作用。`,
  placeEarly: (tier, order, untracked) =>
    `位於層級 ${tier}${orderText(order)}，在 Service 轉換之前判斷：連接埠和位址是用戶端所請求的，例如 NodePort。${
      untracked ? '不追蹤連線：每個封包單獨判斷，回覆也是如此。' : ''
    }`,

  doesNot: () => '它不做什麼：',
  staged: () => '它是暫存（staged）政策：以上內容均未生效。',
  noTier: (tier) => `層級 ${tier} 不存在，因此以上內容均未生效。`,
  selectsNothing: () => '它目前沒有選中任何 Pod，因此目前不起作用。',
  earlierPolicies: (policies) => `它不是最先判斷的：對其中一些 Pod，${joined(policies)}先於它判斷。`,
  noDirection: (direction) =>
    direction === 'ingress'
      ? '不限制入站流量：誰可以存取這些 Pod 由其他政策決定。'
      : '不限制出站流量：這些 Pod 可以存取什麼由其他政策決定。',
  protocols: (action, direction, named, others) =>
    action === 'allow'
      ? `${SIDES[direction]}：只允許 ${joined(named)}；${joined(others)}會被拒絕。`
      : `${SIDES[direction]}：只拒絕 ${joined(named)}；${joined(others)}不受影響。`,
  outside: (direction) =>
    direction === 'ingress'
      ? '不允許來自叢集外部的流量：選擇器只選擇 Pod，而規則中沒有位址。'
      : '不允許發往叢集外部的流量：選擇器只選擇 Pod，而規則中沒有位址。',
  dns: () => '不允許 DNS：除非另有政策允許 UDP 和 TCP 53 連接埠，這些 Pod 無法解析網域名稱。',
  ownNamespace: (namespace) => `單獨的 podSelector 不表示其他命名空間中的 Pod：它只在命名空間 ${namespace} 中選擇。`,
  portsOfPods: () =>
    '不是指 Service 的連接埠：連接埠是 Pod 自己的連接埠，即經過轉換之後的連接埠（targetPort，而不是 port）。',
  domains: () => '不理會網域名稱背後是什麼：它只表示叢集 DNS 回應過的位址。',
  union: () => '不能禁止其他 NetworkPolicy 允許的流量：所有 NetworkPolicy 的規則是疊加的。',
  bothSides: () => '不能代表另一端：連線還必須得到對端 Pod 的政策允許。',
  hostNetwork: (peers) =>
    `不選擇 hostNetwork 的 Pod${peers ? '，規則中的 Pod 選擇器也不符合它們' : ''}：它們算作所在的節點。`,
  ownNode: (both) =>
    both ? '不影響 Pod 與其所在節點之間的流量：兩個方向都一律允許。' : '不影響節點發往其上 Pod 的流量：一律允許。',
  forwarded: () => '不限制主機端點轉送的流量，只限制節點自己收發的流量。',
  replies: () => '不阻止回覆流量：屬於已允許連線的封包不需要規則。',
};

function whereText(where: Where): string {
  if (where.kind === 'all') return '所有命名空間中';
  return where.kind === 'named' ? `命名空間 ${where.name} 中` : `標籤符合${where.labels}的命名空間中`;
}

function orderText(order: number | null): string {
  return order === null ? '，排在最後' : `，order 為 ${order}`;
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join('、')}和${parts.at(-1)}`;
}
