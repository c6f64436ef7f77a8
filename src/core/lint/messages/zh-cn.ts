import type { LintMessages } from './catalogue.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;
const UNRESOLVED = 'Pod 无法解析任何名称，通过 Service 名称的连接都会失败';

/** 简体中文。 */
export const zhCn: LintMessages = {
  severity: { note: '提示', warning: '警告', error: '错误' },
  didYouMean: (message, suggestion) => `${message}；您是否想写：${suggestion}？`,
  listed: (names, more) => names.join('、') + (more > 0 ? `等 ${names.length + more} 个` : ''),
  total: (counts, objects, files) => {
    const units = { error: '个错误', warning: '个警告', note: '个提示' } as const;
    const found = (['error', 'warning', 'note'] as const).filter((each) => counts[each] > 0);
    const list = found.map((each) => `${counts[each]} ${units[each]}`).join('、');
    return `${files} 个文件中的 ${objects} 个对象：${list === '' ? '没有发现问题' : list}`;
  },
  summaries: {
    'api-version': 'apiVersion 或 kind 缺失、拼写错误或不存在',
    'deprecated-api-version': '当前集群已不再提供的 API 版本',
    'end-port': 'endPort 小于 port，或没有数字形式的 port',
    'except-outside-cidr': 'except 不在其 cidr 之内',
    'invalid-value': 'API 服务器会拒绝的值',
    'missing-space': '冒号后缺少空格，字段被当作文本',
    'quoted-port': '端口号加了引号，变成了端口名称',
    'selector-syntax': '不符合 Calico 选择器语法的选择器',
    'unknown-field': 'API 中不存在的字段',
    'unknown-rule': '注释关闭了一条不存在的规则',
    'wrong-type': '值的类型与字段不符，例如标签的值是数字',
    'yaml-syntax': '文件不是 kubectl 能读取的 YAML',
    'and-for-or': '一个对端写了两个选择器，而本意可能是两个对端',
    'block-of-one-family': '在双栈集群中允许了一个地址族的全部地址，却没有另一个',
    'block-of-one-pod': 'ipBlock 写的是某个 Pod 的地址，Pod 重建后地址会变',
    'block-of-services': 'ipBlock 写的是 Service 地址，策略判断时数据包已不再带有该地址',
    'cidr-host-bits': '地址段中的地址带有前缀之外的位',
    'contradictory-selector': '选择器的条件互相排斥',
    'duplicate-object': '两个类型和名称相同而内容不同的对象，后应用的会取代先应用的',
    'egress-without-dns': '出站规则遗漏了 DNS，无法解析 Service 名称',
    'empty-block': 'ipBlock 的例外排除了全部地址',
    'empty-list-means-all': '空的 from、to 或 ports 表示全部，而不是没有',
    'half-open-rule': '规则允许的连接被另一侧的策略拒绝',
    'ingress-backend': 'Ingress 后端的 Service 或端口不存在',
    'missing-reference-grant': 'HTTPRoute 或 Gateway 引用了其他命名空间的 Service 或 Secret，而那里没有授权',
    'named-port': '规则涉及的 Pod 都没有这个名称的端口',
    'namespace-label-on-pods': '在 podSelector 中使用了命名空间的名称标签，而 Pod 没有该标签',
    'namespace-name-label': '按 name 之类的标签选择命名空间，而命名空间本身没有这种标签',
    'namespace-selector-matches-nothing': '没有匹配任何命名空间的 namespaceSelector',
    'not-understood': '策略中没有含义的部分；它什么都不允许，或拒绝它可能表示的一切',
    'or-for-and': '两个对端各有一个选择器，而本意可能是一个对端同时带有两个',
    'order-tie': '优先级或顺序相同的两个策略对相同流量作出不同决定',
    'overlapping-pools': '地址重叠的两个 IPPool，其中只有较早的一个会分配地址',
    'peer-matches-nothing': '选择器没有匹配任何 Pod 的对端',
    'policy-selects-nothing': '选择器没有选中任何 Pod，或只选中策略管不到的 Pod',
    'policy-types': '规则的方向没有列在 policyTypes 中，因此不起作用',
    'redundant-policy': '可以删除而不改变任何结果的策略，另一个策略已包含它的全部内容',
    'redundant-rule': '被同一策略中另一项包含的规则、对端或端口',
    'route-backend': 'HTTPRoute 后端的 Service 或端口不存在',
    'route-parent': '所属的 Gateway 或监听器不存在或不接受它的 HTTPRoute',
    'service-port': '写了 Service 的端口，而应写 Pod 的端口',
    'service-selects-nothing': '选择器没有选中任何 Pod 的 Service',
    'service-target-port': 'targetPort 的名称在 Service 的 Pod 中不存在',
    'shadowed-rule': '永远不会执行到的规则，前面的规则已决定它匹配的一切',
    'unintended-isolation': '策略关闭了它没有提到的方向',
    'unknown-namespace': '命名空间的拼写与文件中声明的一个几乎相同',
    'unknown-tier': '策略所属的层级不存在，因此不生效',
    'unreachable-backend': '策略使任何人都无法访问 Ingress 或 HTTPRoute 后端的 Service',
    'unreachable-service': '策略使任何人都无法访问的 Service',
    'unsupported-setting': 'Sluice 不遵循的 Calico 设置',
  },
  andForOr: (side, pods, namespaces) =>
    `${side} 的一项中有两个选择器表示必须同时满足：只包括命名空间 ${namespaces} 中的 Pod ${pods}`,
  twoItems: () => '两项，在 podSelector 前加一个短横线',
  orForAnd: (side, namespaces, pods) =>
    `${side} 的两项是“或”的关系：命名空间 ${namespaces} 中的所有 Pod，以及策略自身命名空间中的所有 Pod ${pods}`,
  oneItem: () => '一项中同时写 namespaceSelector 和 podSelector，去掉第二个短横线',
  blockOfServices: (block, service) =>
    `${block} 包含 Service ${service} 的地址；策略看到的是 Service 背后 Pod 的地址，因此永远不会匹配`,
  selectorForService: () => '选择该 Service 的 Pod 的 podSelector',
  blockOfOnePod: (address, owner) => `${address} 现在是 ${owner} 的地址；取代它的 Pod 会有另一个地址`,
  aPodSelector: () => '一个 podSelector',
  emptyBlock: (block) => `except 排除了 ${block} 的全部地址`,
  hostBits: (written, block, prefix) => `${written} 就是地址段 ${block}；地址只有前 ${prefix} 位有效`,
  oneFamily: (block, family, other) => `${block} 是全部 IPv${family} 地址，不含任何 IPv${other} 地址`,
  secondBlock: (block) => `再加上 ${block}`,
  contradiction: (a, b) => `没有任何标签能同时满足 ${a} 和 ${b}，因此选择器什么都选不中`,
  duplicateObject: (kind, name, place) => `${place} 处还有一个 ${kind} ${name}；两者都应用时，一个会取代另一个`,
  dnsMisplaced: () => `DNS 规则选择的是策略自身命名空间中的 Pod：${UNRESOLVED}`,
  dnsSelector: () => '在 podSelector 旁边加上 namespaceSelector kubernetes.io/metadata.name: kube-system',
  dnsByTcp: () => `端口 53 的规则是 TCP，而 DNS 首先使用 UDP：${UNRESOLVED}`,
  dnsForgotten: () => `没有出站规则允许这些 Pod 访问 DNS 的 UDP 端口 53：${UNRESOLVED}`,
  dnsRule: () => '一条到 namespaceSelector kubernetes.io/metadata.name: kube-system 的 UDP 和 TCP 端口 53 的规则',
  emptyList: (field) =>
    `空的 ${field} 不表示“没有”：${{ from: '任何人都可以连接', to: '允许所有目的地' }[field] ?? '允许所有端口'}`,
  ruleOrNoField: (field) => `不写这条规则，或不写 ${field} 以表示全部`,
  halfOpen: (direction, other, policies) =>
    `这里允许${SIDES[direction]}，但另一侧所有 Pod 的${SIDES[other]}都被 ${policies} 关闭`,
  ingressService: (ingress, service, namespace, elsewhere) =>
    `Ingress ${ingress} 指向 Service ${service}，而命名空间 ${namespace} 中没有它` +
    (elsewhere === '' ? '' : `；${elsewhere} 中的那个不能在这里引用`),
  ingressPort: (service, port, known) => `Service ${service} 没有端口 ${port}，它有 ${known}`,
  routeService: (route, service, namespace, elsewhere) =>
    `HTTPRoute ${route} 指向 Service ${service}，而命名空间 ${namespace} 中没有它` +
    (elsewhere === '' ? '' : `；要指向 ${elsewhere} 中的那个，需在此写明其命名空间，并在那里有 ReferenceGrant`),
  noGateway: (route, gateway, namespace, elsewhere) =>
    `HTTPRoute ${route} 属于 Gateway ${gateway}，而命名空间 ${namespace} 中没有它` +
    (elsewhere === '' ? '' : `；要指向 ${elsewhere} 中的那个，需写明其命名空间`),
  noListener: (gateway, wanted, known) => `Gateway ${gateway} 没有监听器 ${wanted}，它有 ${known}`,
  listenersClosed: (gateway, namespace) =>
    `Gateway ${gateway} 中此处所指的监听器都不接受命名空间 ${namespace} 的 HTTPRoute`,
  otherHostnames: (gateway, known) =>
    `Gateway ${gateway} 中此处所指的监听器都不负责这些主机名；它的监听器负责 ${known}`,
  notGranted: (what, source) => `${what} 在另一个命名空间中，而那里没有允许 ${source} 引用它的 ReferenceGrant`,
  aGrant: (namespace, from, to) => `命名空间 ${namespace} 中从 ${from} 到 ${to} 的 ReferenceGrant`,
  portLeadingTo: (port, target) => `${port}，它通往 Pod 的端口 ${target}`,
  namedPort: (who, protocol, name) => `${who} 的容器都没有名为 ${name} 的 ${protocol} 端口，因此规则什么都不匹配`,
  namedPortProtocol: (name, who, actual, wanted) => `${who} 中名为 ${name} 的端口是 ${actual}，而规则是 ${wanted}`,
  namespaceLabelOnPods: (label) => `${label} 是命名空间的标签；Pod 没有它，因此这里什么都选不中`,
  namespaceNameLabel: (key, label) => `只有在有人添加时命名空间才有标签 ${key}；${label} 则始终存在`,
  noNamespace: (selector) => `没有命名空间带有标签 ${selector}`,
  orderTie: (rival, field, order) =>
    `${rival} 的 ${field} 同为 ${order ?? '未设置'}，并对部分相同流量作出不同决定：谁生效只取决于名称`,
  overlappingPools: (cidr, rival) => `${cidr} 与 ${rival} 有相同的地址：两个地址池中只有较早的一个会分配地址`,
  oneNamespace: (name) => `命名空间 ${name}`,
  manyNamespaces: (count) => `所选的 ${count} 个命名空间`,
  peerOnHost: (selector, where) => `${where} 中匹配 ${selector} 的 Pod 使用主机网络，只有 ipBlock 能匹配它们`,
  noPeer: (where, selector) => `${where} 中没有 Pod 匹配 ${selector}`,
  peerElsewhere: (where, selector, elsewhere, ownOnly) =>
    `${where} 中没有 Pod 匹配 ${selector}；匹配的 Pod 在 ${elsewhere} 中` +
    (ownOnly ? '；单独的 podSelector 只表示策略自身命名空间中的 Pod' : ''),
  selectorInSameItem: (namespace) => `在同一项中加上 namespaceSelector kubernetes.io/metadata.name: ${namespace}`,
  subjectOnHost: (selector, namespace) => `${namespace} 中被 ${selector} 选中的 Pod 都使用主机网络，策略对它们不起作用`,
  noSubject: (namespace, selector) => `命名空间 ${namespace} 中没有 Pod 匹配 ${selector}，因此策略不起作用`,
  noClusterSubject: (namespaces, selector) =>
    `所选的 ${namespaces} 个命名空间中没有 Pod 匹配 ${selector}，因此策略不起作用`,
  typeMissing: (field, type, direction) => `${field} 没有列出 ${type}，因此策略的${SIDES[direction]}规则不起作用`,
  eitherOr: (a, b) => `${a} 或 ${b}`,
  redundantPolicy: (cover) => `${cover} 适用于它的所有 Pod，并且包含它的全部内容`,
  redundantRule: (cover) => `这里允许的一切也都由 ${cover} 允许`,
  servicePort: (port, service, target) =>
    `端口 ${port} 是 Service ${service} 的端口，其 Pod 监听 ${target}；策略看到的是 Pod 的端口`,
  serviceWithoutPods: (namespace, selector) =>
    `命名空间 ${namespace} 中没有 Pod 匹配 ${selector}，因此该 Service 无人应答`,
  targetPort: (who, protocol, name) => `${who} 的容器都没有名为 ${name} 的 ${protocol} 端口`,
  shadowed: (cover, sameOutcome, action) =>
    `永远不会执行到：${cover} 在前面，匹配这里匹配的一切，${sameOutcome ? '结果相同' : `动作是 ${action}`}`,
  ruleOf: (rule, policy) => `${policy} 的 ${rule}`,
  closedByDefault: (direction) =>
    `没有 policyTypes，策略也会关闭${SIDES[direction]}，而它没有这个方向的规则：${consequence(direction)}`,
  closedByType: (direction) =>
    `policyTypes 列出了 ${direction === 'ingress' ? 'Ingress' : 'Egress'}，而没有这个方向的规则：${consequence(direction)}`,
  unknownNamespace: (name) => `文件中没有 Namespace ${name}`,
  unknownTier: (tier) => `文件中没有 Tier ${tier}；没有它，策略不会生效`,
  unreachableService: (protocol, port, policies, target) =>
    `没有人能访问该 Service 的 ${protocol} 端口 ${port}：它的 Pod 被 ${policies} 隔离，而没有规则允许端口 ${target}`,
  unreachableBackend: (service, policies) =>
    `请求无法到达 Service ${service}：在 ${policies} 之下没有人可以连接它的 Pod`,
  deprecated: (version, kind, release) => `自 Kubernetes ${release} 起不再提供 ${version} ${kind}`,
  neverServed: (version, kind) => `没有任何 Kubernetes 版本提供过 ${version} ${kind}`,
  otherFields: (version) => `；${version} 的字段不同，可用 sluice convert 转换`,
  helmTemplate: () => '这是模板，还不是清单；请先渲染：helm template CHART | sluice lint -',
  insteadOf: (meant, written) => `${meant}，而不是 ${written}`,
  unknownField: (path) => `未知字段 "${path}"`,
  withoutQuotes: (value) => `不加引号的 ${value}`,
  unknownRule: (id) => `没有名为 ${id} 的规则，因此这条注释什么都没有关闭`,
};

function consequence(direction: 'ingress' | 'egress'): string {
  return direction === 'ingress' ? '任何连接都不能到达它的 Pod' : '它的 Pod 不能连接任何目标，包括 DNS';
}
