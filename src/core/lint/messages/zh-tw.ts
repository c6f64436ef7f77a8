import type { LintMessages } from './catalogue.ts';

const SIDES = { ingress: '入站', egress: '出站' } as const;
const UNRESOLVED = 'Pod 無法解析任何名稱，透過 Service 名稱的連線都會失敗';

/** 繁體中文。 */
export const zhTw: LintMessages = {
  severity: { note: '提示', warning: '警告', error: '錯誤' },
  didYouMean: (message, suggestion) => `${message}；您是否想寫：${suggestion}？`,
  listed: (names, more) => names.join('、') + (more > 0 ? `等 ${names.length + more} 個` : ''),
  total: (counts, objects, files) => {
    const units = { error: '個錯誤', warning: '個警告', note: '個提示' } as const;
    const found = (['error', 'warning', 'note'] as const).filter((each) => counts[each] > 0);
    const list = found.map((each) => `${counts[each]} ${units[each]}`).join('、');
    return `${files} 個檔案中的 ${objects} 個物件：${list === '' ? '沒有發現問題' : list}`;
  },
  summaries: {
    'api-version': 'apiVersion 或 kind 缺少、拼寫錯誤或不存在',
    'deprecated-api-version': '目前叢集已不再提供的 API 版本',
    'end-port': 'endPort 小於 port，或沒有數字形式的 port',
    'except-outside-cidr': 'except 不在其 cidr 之內',
    'invalid-value': 'API 伺服器會拒絕的值',
    'missing-space': '冒號後缺少空格，欄位被當作文字',
    'quoted-port': '埠號加了引號，變成了連接埠名稱',
    'selector-syntax': '不符合 Calico 選擇器語法的選擇器',
    'unknown-field': 'API 中不存在的欄位',
    'unknown-rule': '註解關閉了一條不存在的規則',
    'wrong-type': '值的類型與欄位不符，例如標籤的值是數字',
    'yaml-syntax': '檔案不是 kubectl 能讀取的 YAML',
    'and-for-or': '一個對端寫了兩個選擇器，而本意可能是兩個對端',
    'block-of-one-family': '在雙堆疊叢集中允許了一個位址族的全部位址，卻沒有另一個',
    'block-of-one-pod': 'ipBlock 寫的是某個 Pod 的位址，Pod 重建後位址會變',
    'block-of-services': 'ipBlock 寫的是 Service 位址，政策判斷時封包已不再帶有該位址',
    'cidr-host-bits': '位址區段中的位址帶有前綴之外的位',
    'contradictory-selector': '選擇器的條件互相排斥',
    'duplicate-object': '兩個類型和名稱相同而內容不同的物件，後套用的會取代先套用的',
    'egress-without-dns': '出站規則遺漏了 DNS，無法解析 Service 名稱',
    'empty-block': 'ipBlock 的例外排除了全部位址',
    'empty-list-means-all': '空的 from、to 或 ports 表示全部，而不是沒有',
    'half-open-rule': '規則允許的連線被另一側的政策拒絕',
    'ingress-backend': 'Ingress 後端的 Service 或連接埠不存在',
    'missing-reference-grant': 'HTTPRoute 或 Gateway 引用了其他命名空間的 Service 或 Secret，而那裡沒有授權',
    'named-port': '規則涉及的 Pod 都沒有這個名稱的連接埠',
    'namespace-label-on-pods': '在 podSelector 中使用了命名空間的名稱標籤，而 Pod 沒有該標籤',
    'namespace-name-label': '按 name 之類的標籤選擇命名空間，而命名空間本身沒有這種標籤',
    'namespace-selector-matches-nothing': '沒有符合任何命名空間的 namespaceSelector',
    'not-understood': '政策中沒有意義的部分；它什麼都不允許，或拒絕它可能表示的一切',
    'or-for-and': '兩個對端各有一個選擇器，而本意可能是一個對端同時帶有兩個',
    'order-tie': '優先順序或順序相同的兩個政策對相同流量作出不同決定',
    'overlapping-pools': '位址重疊的兩個 IPPool，其中只有較早的一個會分配位址',
    'peer-matches-nothing': '選擇器沒有符合任何 Pod 的對端',
    'policy-selects-nothing': '選擇器沒有選取任何 Pod，或只選取政策管不到的 Pod',
    'policy-types': '規則的方向沒有列在 policyTypes 中，因此不起作用',
    'redundant-policy': '可以刪除而不改變任何結果的政策，另一個政策已包含它的全部內容',
    'redundant-rule': '被同一政策中另一項包含的規則、對端或連接埠',
    'route-backend': 'HTTPRoute 後端的 Service 或連接埠不存在',
    'route-parent': '所屬的 Gateway 或監聽器不存在或不接受它的 HTTPRoute',
    'service-port': '寫了 Service 的連接埠，而應寫 Pod 的連接埠',
    'service-selects-nothing': '選擇器沒有選取任何 Pod 的 Service',
    'service-target-port': 'targetPort 的名稱在 Service 的 Pod 中不存在',
    'shadowed-rule': '永遠不會執行到的規則，前面的規則已決定它符合的一切',
    'unintended-isolation': '政策關閉了它沒有提到的方向',
    'unknown-namespace': '命名空間的拼寫與檔案中宣告的一個幾乎相同',
    'unknown-tier': '政策所屬的層級不存在，因此不生效',
    'unreachable-backend': '政策使任何人都無法存取 Ingress 或 HTTPRoute 後端的 Service',
    'unreachable-service': '政策使任何人都無法存取的 Service',
    'unsupported-setting': 'Sluice 不遵循的 Calico 設定',
  },
  andForOr: (side, pods, namespaces) =>
    `${side} 的一項中有兩個選擇器表示必須同時滿足：只包括命名空間 ${namespaces} 中的 Pod ${pods}`,
  twoItems: () => '兩項，在 podSelector 前加一個短橫線',
  orForAnd: (side, namespaces, pods) =>
    `${side} 的兩項是「或」的關係：命名空間 ${namespaces} 中的所有 Pod，以及政策自身命名空間中的所有 Pod ${pods}`,
  oneItem: () => '一項中同時寫 namespaceSelector 和 podSelector，去掉第二個短橫線',
  blockOfServices: (block, service) =>
    `${block} 包含 Service ${service} 的位址；政策看到的是 Service 背後 Pod 的位址，因此永遠不會符合`,
  selectorForService: () => '選擇該 Service 的 Pod 的 podSelector',
  blockOfOnePod: (address, owner) => `${address} 現在是 ${owner} 的位址；取代它的 Pod 會有另一個位址`,
  aPodSelector: () => '一個 podSelector',
  emptyBlock: (block) => `except 排除了 ${block} 的全部位址`,
  hostBits: (written, block, prefix) => `${written} 就是位址區段 ${block}；位址只有前 ${prefix} 位有效`,
  oneFamily: (block, family, other) => `${block} 是全部 IPv${family} 位址，不含任何 IPv${other} 位址`,
  secondBlock: (block) => `再加上 ${block}`,
  contradiction: (a, b) => `沒有任何標籤能同時滿足 ${a} 和 ${b}，因此選擇器什麼都選不到`,
  duplicateObject: (kind, name, place) => `${place} 處還有一個 ${kind} ${name}；兩者都套用時，一個會取代另一個`,
  dnsMisplaced: () => `DNS 規則選擇的是政策自身命名空間中的 Pod：${UNRESOLVED}`,
  dnsSelector: () => '在 podSelector 旁邊加上 namespaceSelector kubernetes.io/metadata.name: kube-system',
  dnsByTcp: () => `連接埠 53 的規則是 TCP，而 DNS 首先使用 UDP：${UNRESOLVED}`,
  dnsForgotten: () => `沒有出站規則允許這些 Pod 存取 DNS 的 UDP 連接埠 53：${UNRESOLVED}`,
  dnsRule: () => '一條到 namespaceSelector kubernetes.io/metadata.name: kube-system 的 UDP 和 TCP 連接埠 53 的規則',
  emptyList: (field) =>
    `空的 ${field} 不表示「沒有」：${{ from: '任何人都可以連線', to: '允許所有目的地' }[field] ?? '允許所有連接埠'}`,
  ruleOrNoField: (field) => `不寫這條規則，或不寫 ${field} 以表示全部`,
  halfOpen: (direction, other, policies) =>
    `這裡允許${SIDES[direction]}，但另一側所有 Pod 的${SIDES[other]}都被 ${policies} 關閉`,
  ingressService: (ingress, service, namespace, elsewhere) =>
    `Ingress ${ingress} 指向 Service ${service}，而命名空間 ${namespace} 中沒有它` +
    (elsewhere === '' ? '' : `；${elsewhere} 中的那個不能在這裡參照`),
  ingressPort: (service, port, known) => `Service ${service} 沒有連接埠 ${port}，它有 ${known}`,
  routeService: (route, service, namespace, elsewhere) =>
    `HTTPRoute ${route} 指向 Service ${service}，而命名空間 ${namespace} 中沒有它` +
    (elsewhere === '' ? '' : `；要指向 ${elsewhere} 中的那個，需在此寫明其命名空間，並在那裡有 ReferenceGrant`),
  noGateway: (route, gateway, namespace, elsewhere) =>
    `HTTPRoute ${route} 屬於 Gateway ${gateway}，而命名空間 ${namespace} 中沒有它` +
    (elsewhere === '' ? '' : `；要指向 ${elsewhere} 中的那個，需寫明其命名空間`),
  noListener: (gateway, wanted, known) => `Gateway ${gateway} 沒有監聽器 ${wanted}，它有 ${known}`,
  listenersClosed: (gateway, namespace) =>
    `Gateway ${gateway} 中此處所指的監聽器都不接受命名空間 ${namespace} 的 HTTPRoute`,
  otherHostnames: (gateway, known) =>
    `Gateway ${gateway} 中此處所指的監聽器都不負責這些主機名稱；它的監聽器負責 ${known}`,
  notGranted: (what, source) => `${what} 在另一個命名空間中，而那裡沒有允許 ${source} 引用它的 ReferenceGrant`,
  aGrant: (namespace, from, to) => `命名空間 ${namespace} 中從 ${from} 到 ${to} 的 ReferenceGrant`,
  portLeadingTo: (port, target) => `${port}，它通往 Pod 的連接埠 ${target}`,
  namedPort: (who, protocol, name) => `${who} 的容器都沒有名為 ${name} 的 ${protocol} 連接埠，因此規則什麼都不符合`,
  namedPortProtocol: (name, who, actual, wanted) => `${who} 中名為 ${name} 的連接埠是 ${actual}，而規則是 ${wanted}`,
  namespaceLabelOnPods: (label) => `${label} 是命名空間的標籤；Pod 沒有它，因此這裡什麼都選不到`,
  namespaceNameLabel: (key, label) => `只有在有人加上時命名空間才有標籤 ${key}；${label} 則始終存在`,
  noNamespace: (selector) => `沒有命名空間帶有標籤 ${selector}`,
  orderTie: (rival, field, order) =>
    `${rival} 的 ${field} 同為 ${order ?? '未設定'}，並對部分相同流量作出不同決定：誰生效只取決於名稱`,
  overlappingPools: (cidr, rival) => `${cidr} 與 ${rival} 有相同的位址：兩個位址池中只有較早的一個會分配位址`,
  oneNamespace: (name) => `命名空間 ${name}`,
  manyNamespaces: (count) => `所選的 ${count} 個命名空間`,
  peerOnHost: (selector, where) => `${where} 中符合 ${selector} 的 Pod 使用主機網路，只有 ipBlock 能符合它們`,
  noPeer: (where, selector) => `${where} 中沒有 Pod 符合 ${selector}`,
  peerElsewhere: (where, selector, elsewhere, ownOnly) =>
    `${where} 中沒有 Pod 符合 ${selector}；符合的 Pod 在 ${elsewhere} 中` +
    (ownOnly ? '；單獨的 podSelector 只表示政策自身命名空間中的 Pod' : ''),
  selectorInSameItem: (namespace) => `在同一項中加上 namespaceSelector kubernetes.io/metadata.name: ${namespace}`,
  subjectOnHost: (selector, namespace) => `${namespace} 中被 ${selector} 選取的 Pod 都使用主機網路，政策對它們不起作用`,
  noSubject: (namespace, selector) => `命名空間 ${namespace} 中沒有 Pod 符合 ${selector}，因此政策不起作用`,
  noClusterSubject: (namespaces, selector) =>
    `所選的 ${namespaces} 個命名空間中沒有 Pod 符合 ${selector}，因此政策不起作用`,
  typeMissing: (field, type, direction) => `${field} 沒有列出 ${type}，因此政策的${SIDES[direction]}規則不起作用`,
  eitherOr: (a, b) => `${a} 或 ${b}`,
  redundantPolicy: (cover) => `${cover} 適用於它的所有 Pod，並且包含它的全部內容`,
  redundantRule: (cover) => `這裡允許的一切也都由 ${cover} 允許`,
  servicePort: (port, service, target) =>
    `連接埠 ${port} 是 Service ${service} 的連接埠，其 Pod 監聽 ${target}；政策看到的是 Pod 的連接埠`,
  serviceWithoutPods: (namespace, selector) =>
    `命名空間 ${namespace} 中沒有 Pod 符合 ${selector}，因此該 Service 無人回應`,
  targetPort: (who, protocol, name) => `${who} 的容器都沒有名為 ${name} 的 ${protocol} 連接埠`,
  shadowed: (cover, sameOutcome, action) =>
    `永遠不會執行到：${cover} 在前面，符合這裡符合的一切，${sameOutcome ? '結果相同' : `動作是 ${action}`}`,
  ruleOf: (rule, policy) => `${policy} 的 ${rule}`,
  closedByDefault: (direction) =>
    `沒有 policyTypes，政策也會關閉${SIDES[direction]}，而它沒有這個方向的規則：${consequence(direction)}`,
  closedByType: (direction) =>
    `policyTypes 列出了 ${direction === 'ingress' ? 'Ingress' : 'Egress'}，而沒有這個方向的規則：${consequence(direction)}`,
  unknownNamespace: (name) => `檔案中沒有 Namespace ${name}`,
  unknownTier: (tier) => `檔案中沒有 Tier ${tier}；沒有它，政策不會生效`,
  unreachableService: (protocol, port, policies, target) =>
    `沒有人能存取該 Service 的 ${protocol} 連接埠 ${port}：它的 Pod 被 ${policies} 隔離，而沒有規則允許連接埠 ${target}`,
  unreachableBackend: (service, policies) =>
    `請求無法到達 Service ${service}：在 ${policies} 之下沒有人可以連線到它的 Pod`,
  deprecated: (version, kind, release) => `自 Kubernetes ${release} 起不再提供 ${version} ${kind}`,
  neverServed: (version, kind) => `沒有任何 Kubernetes 版本提供過 ${version} ${kind}`,
  otherFields: (version) => `；${version} 的欄位不同，可用 sluice convert 轉換`,
  helmTemplate: () => '這是範本，還不是資訊清單；請先轉譯：helm template CHART | sluice lint -',
  insteadOf: (meant, written) => `${meant}，而不是 ${written}`,
  unknownField: (path) => `未知欄位 "${path}"`,
  withoutQuotes: (value) => `不加引號的 ${value}`,
  unknownRule: (id) => `沒有名為 ${id} 的規則，因此這條註解什麼都沒有關閉`,
};

function consequence(direction: 'ingress' | 'egress'): string {
  return direction === 'ingress' ? '任何連線都不能到達它的 Pod' : '它的 Pod 不能連線到任何目標，包括 DNS';
}
