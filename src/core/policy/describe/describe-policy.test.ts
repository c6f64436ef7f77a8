import { describe, expect, it } from 'vitest';
import type { Namespace, Pod } from '../../kube/types.ts';
import { clusterState } from '../cluster-state.ts';
import type { Language } from '../messages/catalogue.ts';
import { normalisePolicy } from '../normalise/registry.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { describePolicy } from './describe-policy.ts';
import type { LimitId } from './description.ts';
import { formatDescription } from './format-description.ts';

function policy(spec: unknown, kind = 'NetworkPolicy', apiVersion = 'networking.k8s.io/v1'): PolicyObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'pro' }, spec };
}

function cluster(spec: unknown, tier = 'Admin'): PolicyObject {
  const full = { tier, priority: 5, subject: { namespaces: {} }, ...(spec as object) };
  return policy(full, 'ClusterNetworkPolicy', 'policy.networking.k8s.io/v1alpha2');
}

function calico(spec: unknown, kind = 'NetworkPolicy'): PolicyObject {
  return policy(spec, kind, 'projectcalico.org/v3');
}

function describeIt(object: PolicyObject, language: Language = 'en') {
  return describePolicy(normalisePolicy(object)!.policy, { language });
}

function limits(object: PolicyObject): LimitId[] {
  return describeIt(object).limits.map(({ id }) => id);
}

/** The text of the only egress rule. */
function egressRule(object: PolicyObject, language: Language = 'en'): string {
  return describeIt(object, language)
    .directions[1]!.rules.map(({ text }) => text)
    .join('\n');
}

const WEB = policy({
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [
    {
      from: [
        { namespaceSelector: { matchLabels: { env: 'dev' } }, podSelector: { matchLabels: { role: 'front' } } },
        { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] } },
      ],
      ports: [{ port: 80 }, { port: 8000, endPort: 8100 }, { protocol: 'UDP', port: 'dns' }],
    },
  ],
});

describe('describePolicy', () => {
  it.each<[Language, string]>([
    [
      'en',
      `NetworkPolicy pro/web
  Applies to pods matching app=web in namespace pro.
  Ingress: denied, but for what these rules allow:
    - allow TCP 80, TCP 8000-8100 and the UDP port named dns from pods matching role=front in namespaces matching env=dev, or 10.0.0.0/8 except 10.1.0.0/16 and 10.2.0.0/16  [spec.ingress[0]]
  Egress: not limited by this policy.
  What it does not do:
    - It does not limit egress: what these pods may reach is for other policies to say.
    - Ingress: only TCP and UDP are allowed; SCTP and ICMP (ping) are denied.
    - It does not mean ports of Services: ports are those of the pods, after translation (targetPort, not port).
    - It cannot forbid what another NetworkPolicy allows: the rules of all of them add up.
    - It does not speak for the other side: a connection must also be allowed by the other pod's policies.
    - It does not select pods with hostNetwork, and no pod selector in its rules matches them: they count as their node.
    - It does not touch traffic between a pod and the node that it runs on, in either direction.
    - It does not stop replies: what belongs to an allowed connection needs no rule.`,
    ],
    [
      'zh-CN',
      `NetworkPolicy pro/web
  适用于命名空间 pro 中标签匹配 app=web 的 Pod。
  入站：除以下规则允许的流量外，一律拒绝：
    - 允许来自标签匹配 env=dev 的命名空间中标签匹配 role=front 的 Pod，或 10.0.0.0/8（10.1.0.0/16 和 10.2.0.0/16 除外）的 TCP 80、TCP 8000-8100 和名为 dns 的 UDP 端口  [spec.ingress[0]]
  出站：此策略不作限制。
  它不做什么：
    - 不限制出站流量：这些 Pod 可以访问什么由其他策略决定。
    - 入站：只允许 TCP 和 UDP；SCTP 和 ICMP（ping）被拒绝。
    - 不是指 Service 的端口：端口是 Pod 自己的端口，即经过转换之后的端口（targetPort，而不是 port）。
    - 不能禁止其他 NetworkPolicy 允许的流量：所有 NetworkPolicy 的规则是叠加的。
    - 不能代表另一端：连接还必须得到对端 Pod 的策略允许。
    - 不选择 hostNetwork 的 Pod，规则中的 Pod 选择器也不匹配它们：它们算作所在的节点。
    - 不影响 Pod 与其所在节点之间的流量：两个方向都始终允许。
    - 不阻止回复流量：属于已允许连接的数据包不需要规则。`,
    ],
    [
      'zh-TW',
      `NetworkPolicy pro/web
  適用於命名空間 pro 中標籤符合 app=web 的 Pod。
  入站：除以下規則允許的流量外，一律拒絕：
    - 允許來自標籤符合 env=dev 的命名空間中標籤符合 role=front 的 Pod，或 10.0.0.0/8（10.1.0.0/16 和 10.2.0.0/16 除外）的 TCP 80、TCP 8000-8100 和名為 dns 的 UDP 連接埠  [spec.ingress[0]]
  出站：此政策不作限制。
  它不做什麼：
    - 不限制出站流量：這些 Pod 可以存取什麼由其他政策決定。
    - 入站：只允許 TCP 和 UDP；SCTP 和 ICMP（ping）會被拒絕。
    - 不是指 Service 的連接埠：連接埠是 Pod 自己的連接埠，即經過轉換之後的連接埠（targetPort，而不是 port）。
    - 不能禁止其他 NetworkPolicy 允許的流量：所有 NetworkPolicy 的規則是疊加的。
    - 不能代表另一端：連線還必須得到對端 Pod 的政策允許。
    - 不選擇 hostNetwork 的 Pod，規則中的 Pod 選擇器也不符合它們：它們算作所在的節點。
    - 不影響 Pod 與其所在節點之間的流量：兩個方向都一律允許。
    - 不阻止回覆流量：屬於已允許連線的封包不需要規則。`,
    ],
  ])('says in %s what a NetworkPolicy does and does not do', (language, text) => {
    expect(formatDescription(describeIt(WEB, language), language)).toBe(text);
  });

  it.each<[string, PolicyObject, string]>([
    ['anybody', policy({ podSelector: {}, egress: [{}] }), 'allow everything to anywhere'],
    [
      'the own namespace',
      policy({ podSelector: {}, egress: [{ to: [{ podSelector: {} }] }] }),
      'allow everything to all pods in namespace pro',
    ],
    [
      'all addresses of a family',
      policy({ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '::/0' } }], ports: [{ protocol: 'SCTP' }] }] }),
      'allow all of SCTP to every IPv6 address',
    ],
    [
      'a namespace by the label that is its name',
      cluster({
        egress: [{ action: 'Pass', to: [{ namespaces: { matchLabels: { 'kubernetes.io/metadata.name': 'dev' } } }] }],
      }),
      'leave everything to all pods in namespace dev to the next tier',
    ],
    [
      'a named port of every protocol',
      cluster({ egress: [{ action: 'Deny', to: [{ namespaces: {} }], protocols: [{ destinationNamedPort: 'web' }] }] }),
      'deny the port named web to all pods in all namespaces',
    ],
    [
      'names and nodes',
      cluster({
        egress: [{ action: 'Accept', to: [{ domainNames: ['*.example.com', 'example.org'] }, { nodes: {} }] }],
      }),
      'allow everything to addresses of every name under example.com, or addresses of example.org, or all nodes',
    ],
    [
      'ICMP in Calico',
      calico({
        egress: [{ action: 'Allow', protocol: 'ICMP', icmp: { type: 8 }, destination: { notNets: ['10.0.0.0/8'] } }],
      }),
      'allow everything to anywhere, only over IPv4, only ICMP type 8, unless it goes to 10.0.0.0/8',
    ],
    [
      'source ports and a Service in Calico',
      calico({
        egress: [{ action: 'Deny', protocol: 'TCP', source: { ports: [53] } }],
      }),
      'deny all of TCP to anywhere, only if the source port is TCP 53',
    ],
  ])('tells of a rule for %s', (_, object, text) => expect(egressRule(object)).toBe(text));

  it('says where ordered policies stand, and what becomes of what no rule matches', () => {
    const rules = { ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }] };
    const admin = describeIt(cluster(rules));
    expect(admin).toMatchObject({ tier: 'kube-admin', order: 5 });
    expect(admin.place).toContain('before all NetworkPolicies');
    expect(admin.directions[0]!.text).toContain('left to the next policy and tier');
    expect(describeIt(cluster(rules, 'Baseline')).place).toContain('after all NetworkPolicies');
    const first = describeIt(calico({ order: 7, ingress: [{ action: 'Allow' }] }));
    expect(first.place).toContain('order 7, with the NetworkPolicies, which have order 1000');
    expect(first.directions[0]!.text).toContain('no policy of the tier decides is denied');
    expect(describeIt(WEB).place).toBeUndefined();
  });

  it.each<[Language, string]>([
    [
      'en',
      `GlobalNetworkPolicy web
  Applies to host endpoints matching role.
  It stands in tier default, order 0, and is asked before Services are translated: ports and addresses are those that the client asked for, such as a NodePort.
  Ingress: the first rule that matches decides; what none matches is left to the next policy and tier:
    - deny TCP 30080 from all pods, host endpoints and network sets  [spec.ingress[0]]
`,
    ],
    [
      'zh-CN',
      `GlobalNetworkPolicy web
  适用于标签匹配 role 的主机端点。
  位于层级 default，order 为 0，在 Service 转换之前判断：端口和地址是客户端所请求的，例如 NodePort。
  入站：由第一条匹配的规则决定；没有规则匹配的流量交给后面的策略和层级判断：
    - 拒绝来自所有 Pod、主机端点和网络集合的 TCP 30080  [spec.ingress[0]]
`,
    ],
    [
      'zh-TW',
      `GlobalNetworkPolicy web
  適用於標籤符合 role 的主機端點。
  位於層級 default，order 為 0，在 Service 轉換之前判斷：連接埠和位址是用戶端所請求的，例如 NodePort。
  入站：由第一條符合的規則決定；沒有規則符合的流量交給後面的政策和層級判斷：
    - 拒絕來自所有 Pod、主機端點和網路集合的 TCP 30080  [spec.ingress[0]]
`,
    ],
  ])('says in %s of a policy before translation that it is one, for host endpoints alone', (language, text) => {
    const early = { order: 0, preDNAT: true, applyOnForward: true, selector: 'has(role)', types: ['Ingress'] };
    const rule = { action: 'Deny', protocol: 'TCP', source: { selector: 'all()' }, destination: { ports: [30_080] } };
    const object = calico({ ...early, ingress: [rule] }, 'GlobalNetworkPolicy');
    const node = { ...object, metadata: { name: 'web' } };
    expect(formatDescription(describeIt(node, language), language)).toContain(text);
    expect(limits(node)).not.toContain('ports-of-pods');
    const untracked = {
      ...node,
      spec: { ...early, preDNAT: false, doNotTrack: true, selector: 'all()', ingress: [rule] },
    };
    expect(describeIt(untracked).subject.text).toBe('all host endpoints');
    expect(describeIt(untracked).place).toContain('each packet is judged alone');
  });

  it('does not say of a policy for host endpoints that it does nothing without pods', () => {
    const pod: Pod = { metadata: { name: 'a', namespace: 'pro' }, spec: { containers: [] } };
    const object = calico({ selector: 'has(role)', ingress: [{ action: 'Allow' }] }, 'GlobalNetworkPolicy');
    const { policy: global } = normalisePolicy(object)!;
    const { limits: said } = describePolicy(global, { state: clusterState({ pods: [pod] }) });
    expect(said.map(({ id }) => id)).not.toContain('selects-nothing');
  });

  describe('warns of what is easily taken for granted:', () => {
    const front = [{ podSelector: { matchLabels: { role: 'front' } } }];
    const spec = (fields: object): PolicyObject => policy({ podSelector: {}, ...fields });
    it.each<[LimitId, string, PolicyObject, PolicyObject]>([
      [
        'direction',
        'the direction that it leaves alone',
        spec({}),
        spec({ egress: [], policyTypes: ['Ingress', 'Egress'] }),
      ],
      ['protocols', 'ping', spec({ ingress: [{ ports: [{ port: 80 }] }] }), spec({ ingress: [{}] })],
      [
        'outside',
        'clients outside',
        spec({ ingress: [{ from: front }] }),
        spec({ ingress: [{ from: [...front, { ipBlock: { cidr: '0.0.0.0/0' } }] }] }),
      ],
      [
        'dns',
        'DNS',
        spec({ egress: [{ ports: [{ port: 443 }] }] }),
        spec({ egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }] }),
      ],
      [
        'own-namespace',
        'pods elsewhere',
        spec({ ingress: [{ from: front }] }),
        spec({ ingress: [{ from: [{ namespaceSelector: {} }] }] }),
      ],
      [
        'ports-of-pods',
        'the port of a Service',
        spec({ ingress: [{ ports: [{ port: 80 }] }] }),
        spec({ ingress: [{}] }),
      ],
      ['union', 'other NetworkPolicies', spec({}), calico({})],
      [
        'domains',
        'what is behind a name',
        cluster({ egress: [{ action: 'Accept', to: [{ domainNames: ['a.b'] }] }] }),
        spec({}),
      ],
      ['staged', 'a staged policy', calico({}, 'StagedNetworkPolicy'), calico({})],
      [
        'forwarded',
        'forwarded traffic',
        calico({ selector: 'all()' }, 'GlobalNetworkPolicy'),
        calico({ selector: 'all()', applyOnForward: true }, 'GlobalNetworkPolicy'),
      ],
    ])('%s (%s)', (id, _, warned, silent) => {
      expect(limits(warned)).toContain(id);
      expect(limits(silent)).not.toContain(id);
    });

    it('of which a part may still be allowed by a rule that passes', () => {
      const pass = calico({ ingress: [{ action: 'Allow', protocol: 'TCP' }, { action: 'Pass' }] });
      expect(limits(pass)).not.toContain('protocols');
    });

    it('protocols that a rule denies are told apart from those that it allows', () => {
      const deny = cluster({
        ingress: [
          { action: 'Deny', from: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 22 } } }] },
        ],
      });
      const { text } = describeIt(deny).limits.find(({ id }) => id === 'protocols')!;
      expect(text).toBe('Ingress: only TCP is denied; UDP, SCTP and ICMP (ping) are not.');
    });
  });

  describe('in a cluster', () => {
    const pod = (name: string, namespace: string, labels: Record<string, string>, hostNetwork = false): Pod => ({
      metadata: { name, namespace, labels },
      spec: { hostNetwork, containers: [] },
      status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${name.length}` }] },
    });
    const namespaces: Namespace[] = [
      { metadata: { name: 'pro' } },
      { metadata: { name: 'dev', labels: { env: 'dev' } } },
    ];
    const pods = [
      pod('web-1', 'pro', { app: 'web' }),
      pod('web-22', 'pro', { app: 'web' }),
      pod('web-host', 'pro', { app: 'web' }, true),
      pod('front', 'dev', { role: 'front' }),
    ];
    const describeIn = (object: PolicyObject, ...others: PolicyObject[]) => {
      const state = clusterState({ namespaces, pods, policies: [object, ...others] });
      const own = state.tiers.flatMap((tier) => tier.policies).find(({ source }) => source.kind === object.kind)!;
      return describePolicy(own, { state });
    };

    it('tells whom the policy and its peers choose now', () => {
      const description = describeIn(WEB);
      expect(description.subject.now).toEqual(['pro/web-1', 'pro/web-22']);
      expect(description.directions[0]!.rules[0]!.peers.map(({ now }) => now)).toEqual([
        ['dev/front'],
        ['pro/web-1', 'pro/web-22', 'dev/front'].sort(),
      ]);
      expect(formatDescription(description)).toContain('Now 2 pods: pro/web-1, pro/web-22.');
      expect(formatDescription(description)).toContain('in namespaces matching env=dev (1 pod now)');
    });

    it('says so when it selects nobody, and when it is not asked first', () => {
      const nobody = describeIn(policy({ podSelector: { matchLabels: { app: 'wbe' } } }));
      expect(nobody.limits.map(({ id }) => id)).toContain('selects-nothing');
      const admin = cluster({ ingress: [{ action: 'Pass', from: [{ namespaces: {} }] }] });
      const { limits: told } = describeIn(WEB, admin);
      expect(told[0]).toEqual({
        id: 'earlier-policies',
        text: 'It is not asked first: before it, for some of its pods, comes ClusterNetworkPolicy web.',
      });
    });
  });
});
