import type { Messages } from './catalogue.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;

/** 繁體中文。 */
export const zhTw: Messages = {
  headline: (allowed, source, destination, port) => `${allowed ? '允許' : '拒絕'}：${source} → ${destination}，${port}`,
  self: (pod) => `任何政策都不能阻止 ${pod} 存取自己`,
  ownNode: (pod, node) => `${pod} 與其所在節點 ${node} 之間的流量一律允許`,
  noPod: (direction, party) => `${SIDES[direction]}：${party} 不在 Pod 網路中，沒有政策適用於它`,
  unselected: (direction, pod) => `${pod} 的${SIDES[direction]}：允許，沒有${SIDES[direction]}政策選中它`,
  ruleAllows: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 允許`,
  ruleDenies: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 拒絕`,
  nothingAllows: (direction, pod, policies) =>
    `${pod} 的${SIDES[direction]}：拒絕，它被 ${policies} 選中，而其中沒有規則允許此流量`,
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
  noPortsInProtocol: (protocol) => `規則列出了連接埠，而 ${protocol} 沒有連接埠；只有不寫 ports 的規則才允許它`,
  otherProtocol: (wanted, actual) => `規則針對 ${wanted}，而這裡是 ${actual}`,
  nameUnknown: (destination, name, protocol) => `${destination} 沒有名為 ${name} 的 ${protocol} 容器連接埠`,
  otherPort: (wanted, actual) => `規則針對 ${wanted}，而這裡是 ${actual}`,
  unknownAddress: () => '未知位址',
  noLabels: () => '沒有標籤',
  joined: (parts) => parts.join('；'),
};
