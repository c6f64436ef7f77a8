import { expect, it } from 'vitest';
import { manifestFor, planFrom, printedStep } from './index.ts';
import type { From, Observed } from './index.ts';

const NET_CONF = '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}';
const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const node = (name: string, ...podCIDRs: readonly string[]) => ({
  metadata: { name },
  spec: { podCIDRs },
  status: ready,
});
const agents = (name: string, container: object = {}) => ({
  metadata: { name, namespace: 'kube-flannel' },
  spec: { template: { spec: { nodeSelector: { os: 'linux' }, containers: [{ name: 'kube-flannel', ...container }] } } },
});

function flannel({ data = {}, ...more }: { readonly data?: object; readonly [field: string]: unknown } = {}): Observed {
  return {
    nodes: [node('n1', '10.244.0.0/24'), node('n2', '10.244.1.0/24')],
    pods: [],
    daemonSets: [agents('kube-flannel-ds', { args: ['--ip-masq', '--kube-subnet-mgr'] })],
    deployments: [],
    configMaps: [{ metadata: { name: 'kube-flannel-cfg' }, data: { 'net-conf.json': NET_CONF, ...data } }],
    pools: [],
    felixConfigurations: [],
    budgets: [],
    ...more,
  } as unknown as Observed;
}

it("joins Sluice to flannel's network as its ConfigMap has it", () => {
  const mtu = JSON.stringify({ plugins: [{ type: 'flannel', delegate: { mtu: 1400 } }] });
  expect(planFrom('from-flannel', flannel({ data: { 'cni-conf.json': mtu } }))).toMatchObject({
    blockers: [],
    manifest: 'sluice.yaml',
    settings: {
      network_before: 'flannel',
      'net-conf.json': NET_CONF,
      veth_mtu: '1400',
      ipv4_pool_cidr: '10.244.0.0/16',
      ipv6_pool_cidr: '',
    },
  });
});

const pool = (cidr: string) => ({ pools: [{ metadata: { name: 'p' }, spec: { cidr } }] });
const narrow = {
  'net-conf.json': '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "MTU": 1450}}',
  'cni-conf.json': '{"plugins": [{"type": "flannel", "delegate": {"mtu": 1450}}]}',
};
it.each([
  [
    'several',
    /kube-flannel-ds-amd64, kube-flannel-ds-arm64/,
    { daemonSets: [agents('kube-flannel-ds-amd64'), agents('kube-flannel-ds-arm64')] },
  ],
  ['etcd', /--kube-subnet-mgr/, { daemonSets: [agents('kube-flannel-ds', { command: ['/opt/bin/flanneld'] })] }],
  [
    'net-conf',
    /Backend.Type is "udp"/,
    { data: { 'net-conf.json': '{"Network": "10.244.0.0/16", "Backend": {"Type": "udp"}}' } },
  ],
  ['net-conf', /kube-flannel-cfg/, { configMaps: [] }],
  ['mtu', /gives pods an MTU of 1450.*no more than 1400/, { data: narrow }],
  ['pod-cidrs', /node n1 has no IPv4 podCIDR/, { nodes: [node('n1')] }],
  ['pod-cidrs', /10.9.0.0\/24 of node n1 is not in 10.244.0.0\/16/, { nodes: [node('n1', '10.9.0.0/24')] }],
  [
    'pod-cidrs',
    /of node n2 meets that of node n1/,
    { nodes: [node('n1', '10.244.0.0/23'), node('n2', '10.244.1.0/24')] },
  ],
  ['pools', /IPPool p has/, pool('10.244.128.0/17')],
  ['pools', /IPPool p has/, pool('10.0.0.0/8')],
])('is refused for %s: %s', (code, reason, more) => {
  const { blockers } = planFrom('from-flannel', flannel(more))!;
  expect(blockers.map((each) => each.code)).toEqual([code]);
  expect(blockers[0]!.reason).toMatch(reason);
});

it("goes beside a pool that is flannel's network, and others that do not meet it", () => {
  for (const cidr of ['10.244.0.0/16', '10.9.0.0/16'])
    expect(planFrom('from-flannel', flannel(pool(cidr)))!.blockers).toEqual([]);
});

const inEtcd = ({
  args = [],
  store = {},
  ...more
}: {
  readonly args?: readonly string[];
  readonly store?: object;
  readonly [field: string]: unknown;
} = {}): Observed => {
  const at = (name: string, address: string) => ({
    ...node(name),
    status: { ...ready, addresses: [{ type: 'InternalIP', address }] },
  });
  return flannel({
    nodes: [at('n1', '172.30.1.11'), at('n2', '172.30.1.12')],
    daemonSets: [
      agents('kube-flannel-ds', { args: ['--ip-masq', '-etcd-endpoints', 'http://10.0.0.1:2379', ...args] }),
    ],
    configMaps: [],
    flannelStore: {
      config: '{"Network": "10.244.0.0/16", "SubnetLen": 28, "Backend": {"Type": "host-gw"}}',
      leases: [lease('10.244.1.0-28', '172.30.1.11'), lease('10.244.2.0-28', '172.30.1.12')],
      hasCertificates: false,
      hasUser: false,
      ...store,
    },
    ...more,
  });
};
const lease = (key: string, PublicIP: string) => ({
  key,
  value: JSON.stringify({ PublicIP, PublicIPv6: null, BackendType: 'host-gw' }),
});

it("joins Sluice to flannel's network as etcd has it, where leases are there", () => {
  const { blockers, settings, remarks } = planFrom('from-flannel', inEtcd())!;
  expect(blockers).toEqual([]);
  expect(settings).toEqual({
    network_before: 'flannel',
    flannel_etcd_endpoints: 'http://10.0.0.1:2379',
    flannel_etcd_prefix: '/coreos.com/network',
    ipv4_pool_block_size: '28',
    veth_mtu: '0',
    ipv4_pool_cidr: '10.244.0.0/16',
    ipv6_pool_cidr: '',
  });
  expect(remarks[0]).toContain('leases in etcd');
  const env = [{ name: 'FLANNELD_ETCD_ENDPOINTS', value: 'https://a:2379' }];
  const secured = agents('kube-flannel-ds', { env, args: ['--etcd-cafile=/ca', '--etcd-prefix=here/'] });
  expect(planFrom('from-flannel', inEtcd({ daemonSets: [secured], store: { hasCertificates: true } }))).toMatchObject({
    blockers: [],
    settings: {
      flannel_etcd_endpoints: 'https://a:2379',
      flannel_etcd_prefix: '/here',
      flannel_etcd_ca_cert_file: '/calico-secrets/etcd-ca',
    },
  });
});

it("reads flannel's options off a shell's command line, too", () => {
  const command = (...options: readonly string[]) =>
    agents('kube-flannel-ds', { command: ['/bin/sh', '-c', `set -e\nexec /opt/bin/flanneld ${options.join(' ')}`] });
  const inNodes = flannel({ daemonSets: [command('--ip-masq', '--kube-subnet-mgr')] });
  expect(planFrom('from-flannel', inNodes)!.blockers).toEqual([]);
  const told = command('--etcd-endpoints="http://a:2379"', "--etcd-prefix '/here'");
  expect(planFrom('from-flannel', inEtcd({ daemonSets: [told] }))!.settings).toMatchObject({
    flannel_etcd_endpoints: 'http://a:2379',
    flannel_etcd_prefix: '/here',
  });
});

it.each<[string, RegExp, Parameters<typeof inEtcd>[0] & {}]>([
  ['leases', /node n2 \(172.30.1.12\) has no lease/, { store: { leases: [lease('10.244.1.0-28', '172.30.1.11')] } }],
  [
    'leases',
    /node n1 has 2 leases: 10.244.1.0-28, 10.244.3.0-28/,
    {
      store: {
        leases: [
          lease('10.244.1.0-28', '172.30.1.11'),
          lease('10.244.3.0-28', '172.30.1.11'),
          lease('10.244.2.0-28', '172.30.1.12'),
        ],
      },
    },
  ],
  ['net-conf', /\/coreos.com\/network\/config in etcd is not there/, { store: { config: undefined } }],
  [
    'net-conf',
    /\/config in etcd: EnableIPv4 is false/,
    {
      store: {
        config: '{"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "fd00::/56", "Backend": {"Type": "host-gw"}}',
      },
    },
  ],
  ['etcd-certificates', /calico-etcd-secrets/, { args: ['--etcd-cafile=/ca'] }],
  ['etcd-user', /sluice-datastore/, { args: ['--etcd-username=flannel'] }],
  ['etcd', /does not say where/, { args: ['--etcd-endpoints='], flannelStore: undefined }],
])('is refused for %s where leases are in etcd: %s', (code, reason, more) => {
  const { blockers } = planFrom('from-flannel', inEtcd(more))!;
  expect(blockers.map((each) => each.code)).toEqual([code]);
  expect(blockers[0]!.reason).toMatch(reason);
});

const CHAIN = `{"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [
  {"type": "calico", "log_level": "info", "mtu": __CNI_MTU__, "ipam": {"type": "host-local", "subnet": "usePodCidr"}, "policy": {"type": "k8s"}},
  {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}]}`;

function canal(): Observed {
  const volumeMounts = [{ name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' }];
  const spec = {
    nodeSelector: { os: 'linux' },
    hostNetwork: true,
    serviceAccountName: 'canal',
    initContainers: [{ name: 'install-cni' }],
    containers: [{ name: 'calico-node' }, { name: 'kube-flannel', volumeMounts }],
    volumes: [{ name: 'policysync' }, { name: 'flannel-cfg', configMap: { name: 'canal-config' } }],
  };
  return {
    ...flannel(),
    daemonSets: [{ metadata: { name: 'canal', namespace: 'kube-system' }, spec: { template: { spec } } }],
    configMaps: [
      {
        metadata: { name: 'canal-config' },
        data: { 'net-conf.json': NET_CONF, cni_network_config: CHAIN, veth_mtu: '1440' },
      },
    ],
  } as unknown as Observed;
}

it("leaves Canal's network to flannel alone and puts Sluice in the place of Calico's plugin", () => {
  const plan = planFrom('from-canal', canal())!;
  expect(plan.blockers).toEqual([]);
  expect(plan.settings).toMatchObject({ networking: 'policy-only', interface_prefix: 'cali', veth_mtu: '1440' });
  // As install-cni fills it in.
  expect(JSON.parse(plan.settings['cni_network_config']!.replace('__CNI_MTU__', '1440'))).toEqual({
    name: 'k8s-pod-network',
    cniVersion: '0.3.1',
    plugins: [
      { type: 'sluice', mtu: 1440, ipam: { type: 'host-local', subnet: 'usePodCidr' } },
      { type: 'portmap', snat: true, capabilities: { portMappings: true } },
    ],
  });
  const objects = manifestFor(plan, []);
  expect(objects).toEqual([
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'canal-flannel', namespace: 'kube-system', labels: { 'k8s-app': 'canal-flannel' } },
      spec: {
        selector: { matchLabels: { 'k8s-app': 'canal-flannel' } },
        template: {
          metadata: { labels: { 'k8s-app': 'canal-flannel' } },
          spec: {
            nodeSelector: { os: 'linux', 'sluice.dev/network': 'sluice' },
            hostNetwork: true,
            serviceAccountName: 'canal',
            containers: [{ name: 'kube-flannel', volumeMounts: expect.any(Array) as unknown }],
            volumes: [{ name: 'flannel-cfg', configMap: { name: 'canal-config' } }],
          },
        },
      },
    },
  ]);
  // No pod is moved.
  const commands = plan.steps.flatMap((step) => printedStep(step, 'from-canal', canal()).commands);
  expect(commands.join('\n')).not.toMatch(/drain|delete/);
});

it.each<[From, Observed]>([
  ['from-flannel', canal()],
  ['from-canal', flannel()],
  ['from-calico', flannel()],
])('has nothing to say %s of a cluster with another network', (from, observed) => {
  expect(planFrom(from, observed)).toBeUndefined();
});
