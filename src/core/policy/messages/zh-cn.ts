import type { Messages } from './catalogue.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;

/** 简体中文。 */
export const zhCn: Messages = {
  headline: (allowed, source, destination, port) => `${allowed ? '允许' : '拒绝'}：${source} → ${destination}，${port}`,
  self: (pod) => `任何策略都不能阻止 ${pod} 访问自己`,
  ownNode: (pod, node) => `${pod} 与其所在节点 ${node} 之间的流量始终允许`,
  noPod: (direction, party) => `${SIDES[direction]}：${party} 不在 Pod 网络中，没有策略适用于它`,
  unselected: (direction, pod) => `${pod} 的${SIDES[direction]}：允许，没有${SIDES[direction]}策略选中它`,
  nothingDecides: (direction, pod) => `${pod} 的${SIDES[direction]}：允许，有策略适用于它的各层级都放行到下一层`,
  ruleAllows: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 允许`,
  ruleDenies: (direction, pod, policy, rule) => `${pod} 的${SIDES[direction]}：由 ${policy} 的 ${rule} 拒绝`,
  nothingAllows: (direction, pod, policies) =>
    `${pod} 的${SIDES[direction]}：拒绝，它被 ${policies} 选中，而其中没有规则允许此流量`,
  profileDecides: (direction, subject, allowed, profile, rule) =>
    `${subject} 的${SIDES[direction]}：由 Profile ${profile} 的 ${rule} ${allowed ? '允许' : '拒绝'}`,
  hostDefault: (direction, subject, endpoint) =>
    `${subject} 的${SIDES[direction]}：拒绝，主机端点 ${endpoint} 的策略和 Profile 都没有作出决定`,
  failsafe: (direction, subject, port) =>
    `${subject} 的${SIDES[direction]}：允许，${port} 是 failsafe 端口，任何策略都不能关闭它`,
  endpointToHost: (pod, node) =>
    `${pod} 的出站：拒绝，集群设置（defaultEndpointToHostAction）不允许 Pod 访问自己的节点 ${node}`,
  passedByRule: (tier, policy, rule) => `层级 ${tier}：由 ${policy} 的 ${rule} 放行到下一层`,
  passedByTier: (tier) => `层级 ${tier}：没有规则匹配，放行到下一层`,
  arrivesAs: (pod, node) => `到达时的来源是 ${node}：${pod} 离开地址池的流量改用节点的地址（natOutgoing）`,
  entersBy: (node) => `到达时的来源是 ${node}：它经由该节点的端口进入集群`,
  atHostEndpoint: (endpoint, node) => `在 ${node} 的主机端点 ${endpoint}`,
  noRules: () => '该方向没有任何规则，因此什么都不允许',
  closest: (policy, rule) => `最接近的规则：${policy}，${rule}`,
  peerFits: () => '对端匹配',
  portFits: () => '端口匹配',
  otherNamespace: (wanted, actual) =>
    `单独的 podSelector 只表示策略自己的命名空间 ${wanted} 中的 Pod；该 Pod 在 ${actual} 中`,
  namespaceLabels: (namespace, unmet, labels, podFits) =>
    `命名空间 ${namespace} 不匹配 ${unmet}（它的标签：${labels}）${podFits ? '；Pod 本身是匹配的' : ''}`,
  podLabels: (pod, unmet, labels) => `${pod} 不匹配 ${unmet}（它的标签：${labels}）`,
  notAPod: (party, isNode) =>
    isNode
      ? `选择器选的是 Pod，而 ${party} 算作节点；请用 ipBlock`
      : `选择器选的是 Pod，而 ${party} 在集群之外；请用 ipBlock`,
  excepted: (address, block) => `${address} 在 ${block} 的 except 之中`,
  outsideBlock: (address, block) => `${address} 不在 ${block} 之中`,
  otherPeer: (party) => `规则的对端都不是 ${party}`,
  otherLabels: (party, wanted, labels) => `${party} 不匹配 ${wanted}（它的标签：${labels}）`,
  unlabelled: (party, selector) => `${party} 不在匹配 ${selector} 的任何网络集合或主机端点之中`,
  notANode: (party) => `规则针对节点，而 ${party} 不是节点`,
  notServed: (party, service) => `${party} 不是服务 ${service} 在其端口上的端点`,
  notResolved: (party, domain) => `${party} 不是 ${domain} 的已知地址`,
  noPeers: () => '规则没有列出任何对端，因此永远不匹配',
  otherFamily: (wanted) => `规则只针对 ${wanted}`,
  otherKind: (wanted, excluded, actual) =>
    excluded ? `规则排除了 ${wanted}` : `规则针对 ${wanted}，而这里是 ${actual}`,
  otherEnd: (party, side, excluded) => {
    const end = side === 'source' ? '来源' : '目的';
    return excluded ? `规则排除了${end} ${party}` : `规则的${end}不包括 ${party}`;
  },
  otherEndPort: (side, wanted, excluded, actual) => {
    const end = side === 'source' ? '源' : '目的';
    return excluded
      ? `规则排除了${end}端口 ${wanted}，而这里是 ${actual}`
      : `规则针对${end}端口 ${wanted}，而这里是 ${actual}`;
  },
  unknownPort: () => '未知端口',
  noPortsInProtocol: (protocol) => `规则列出了端口，而 ${protocol} 没有端口；只有不写 ports 的规则才允许它`,
  otherProtocol: (wanted, actual) => `规则针对 ${wanted}，而这里是 ${actual}`,
  nameUnknown: (destination, name, protocol) => `${destination} 没有名为 ${name} 的 ${protocol} 容器端口`,
  otherPort: (wanted, actual) => `规则针对 ${wanted}，而这里是 ${actual}`,
  unknownAddress: () => '未知地址',
  noLabels: () => '没有标签',
  joined: (parts) => parts.join('；'),
};
