import type { Messages } from './catalogue.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;

/** 繁體中文。 */
export const zhTw: Messages = {
  headline: (allowed, source, destination, port) => `${allowed ? '允許' : '拒絕'}：${source} → ${destination}，${port}`,
  self: (pod) => `任何政策都不能阻止 ${pod} 存取自己`,
  ownNode: (pod, node) => `${pod} 與其所在節點 ${node} 之間的流量一律允許`,
  noPod: (direction, party) => `${SIDES[direction]}：${party} 不在 Pod 網路中，沒有政策適用於它`,
  unselected: (direction, pod) => `${pod} 的${SIDES[direction]}：允許，沒有${SIDES[direction]}政策選中它`,
  nothingDecides: (direction, pod) => `${pod} 的${SIDES[direction]}：允許，有政策適用於它的各層級都放行到下一層`,
  ruleAllows: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 允許`,
  ruleDenies: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 拒絕`,
  nothingAllows: (direction, pod, policies) =>
    `${pod} 的${SIDES[direction]}：拒絕，它被 ${policies} 選中，而其中沒有規則允許此流量`,
  profileDecides: (direction, subject, allowed, profile, rule) =>
    `${subject} 的${SIDES[direction]}：由 Profile ${profile} 的 ${rule} ${allowed ? '允許' : '拒絕'}`,
  hostDefault: (direction, subject, endpoint) =>
    `${subject} 的${SIDES[direction]}：拒絕，主機端點 ${endpoint} 的政策和 Profile 都沒有作出決定`,
  failsafe: (direction, subject, port) =>
    `${subject} 的${SIDES[direction]}：允許，${port} 是 failsafe 連接埠，任何政策都不能關閉它`,
  endpointToHost: (pod, node) =>
    `${pod} 的出站：拒絕，叢集設定（defaultEndpointToHostAction）不允許 Pod 存取自己的節點 ${node}`,
  passedByRule: (tier, policy, rule) => `層級 ${tier}：由 ${policy} 的 ${rule} 放行到下一層`,
  passedByTier: (tier) => `層級 ${tier}：沒有規則符合，放行到下一層`,
  arrivesAs: (pod, node) => `抵達時的來源是 ${node}：${pod} 離開位址池的流量改用節點的位址（natOutgoing）`,
  entersBy: (node) => `抵達時的來源是 ${node}：它經由該節點的連接埠進入叢集`,
  atHostEndpoint: (endpoint, node) => `在 ${node} 的主機端點 ${endpoint}`,
  noRules: () => '該方向沒有任何規則，因此什麼都不允許',
  closest: (policy, rule) => `最接近的規則：${policy}，${rule}`,
  peerFits: () => '對端符合',
  portFits: () => '連接埠符合',
  otherNamespace: (wanted, actual) =>
    `單獨的 podSelector 只表示政策自己的命名空間 ${wanted} 中的 Pod；該 Pod 在 ${actual} 中`,
  namespaceLabels: (namespace, unmet, labels, podFits) =>
    `命名空間 ${namespace} 不符合 ${unmet}（它的標籤：${labels}）${podFits ? '；Pod 本身是符合的' : ''}`,
  podLabels: (pod, unmet, labels) => `${pod} 不符合 ${unmet}（它的標籤：${labels}）`,
  notAPod: (party, isNode) =>
    isNode
      ? `選擇器選的是 Pod，而 ${party} 算作節點；請用 ipBlock`
      : `選擇器選的是 Pod，而 ${party} 在叢集之外；請用 ipBlock`,
  excepted: (address, block) => `${address} 在 ${block} 的 except 之中`,
  outsideBlock: (address, block) => `${address} 不在 ${block} 之中`,
  otherPeer: (party) => `規則的對端都不是 ${party}`,
  otherLabels: (party, wanted, labels) => `${party} 不符合 ${wanted}（它的標籤：${labels}）`,
  unlabelled: (party, selector) => `${party} 不在符合 ${selector} 的任何網路集合或主機端點之中`,
  notANode: (party) => `規則針對節點，而 ${party} 不是節點`,
  notServed: (party, service) => `${party} 不是服務 ${service} 在其連接埠上的端點`,
  notResolved: (party, domain) => `${party} 不是 ${domain} 的已知位址`,
  noPeers: () => '規則沒有列出任何對端，因此永遠不符合',
  otherFamily: (wanted) => `規則只針對 ${wanted}`,
  otherKind: (wanted, excluded, actual) =>
    excluded ? `規則排除了 ${wanted}` : `規則針對 ${wanted}，而這裡是 ${actual}`,
  otherEnd: (party, side, excluded) => {
    const end = side === 'source' ? '來源' : '目的';
    return excluded ? `規則排除了${end} ${party}` : `規則的${end}不包括 ${party}`;
  },
  otherEndPort: (side, wanted, excluded, actual) => {
    const end = side === 'source' ? '來源' : '目的';
    return excluded
      ? `規則排除了${end}連接埠 ${wanted}，而這裡是 ${actual}`
      : `規則針對${end}連接埠 ${wanted}，而這裡是 ${actual}`;
  },
  unknownPort: () => '未知連接埠',
  noPortsInProtocol: (protocol) => `規則列出了連接埠，而 ${protocol} 沒有連接埠；只有不寫 ports 的規則才允許它`,
  otherProtocol: (wanted, actual) => `規則針對 ${wanted}，而這裡是 ${actual}`,
  nameUnknown: (destination, name, protocol) => `${destination} 沒有名為 ${name} 的 ${protocol} 容器連接埠`,
  otherPort: (wanted, actual) => `規則針對 ${wanted}，而這裡是 ${actual}`,
  unknownAddress: () => '未知位址',
  noLabels: () => '沒有標籤',
  joined: (parts) => parts.join('；'),
};
