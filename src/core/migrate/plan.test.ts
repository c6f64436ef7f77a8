import { describe, expect, it } from 'vitest';
import { mergePatch } from '../objectstore/patch/merge-patch.ts';
import { fence } from './fence.ts';
import { lacking, manifestFor, nextMove, planFrom, printedStep } from './index.ts';
import type { Observed } from './index.ts';

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const node = (name: string, labels = {}) => ({ metadata: { name, labels }, status: ready });
const pod = (name: string, nodeName: string, owner: string | undefined, more: object = {}) => ({
  metadata: {
    name,
    namespace: 'default',
    ...(owner === undefined ? {} : { ownerReferences: [{ kind: owner, name: 'o', uid: 'u', controller: true }] }),
  },
  spec: { nodeName, containers: [], ...more },
});

function calicoNode(env: readonly object[] = [], podSpec: object = {}) {
  const networking = { configMapKeyRef: { name: 'calico-config', key: 'calico_backend' } };
  return {
    metadata: {
      name: 'calico-node',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'calico-node' },
      annotations: { a: 'b' },
    },
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          containers: [
            { name: 'calico-node', env: [{ name: 'CALICO_NETWORKING_BACKEND', valueFrom: networking }, ...env] },
          ],
          ...podSpec,
        },
      },
    },
  };
}

function observed(more: object = {}): Observed {
  return {
    nodes: [node('n2'), node('n1')],
    pods: [
      pod('web', 'n1', 'ReplicaSet'),
      pod('logs', 'n1', 'DaemonSet'),
      pod('proxy', 'n1', 'DaemonSet', { hostNetwork: true }),
      { ...pod('done', 'n1', 'Job'), status: { phase: 'Succeeded' } },
    ],
    daemonSets: [calicoNode([{ name: 'IP_AUTODETECTION_METHOD', value: 'interface=eth.*' }])],
    deployments: [{ metadata: { name: 'calico-kube-controllers', namespace: 'kube-system' } }],
    configMaps: [{ metadata: { name: 'calico-config' }, data: { calico_backend: 'bird', veth_mtu: '1440' } }],
    pools: [{ metadata: { name: 'default-ipv4-ippool' }, spec: { cidr: '10.244.0.0/16', ipipMode: 'Always' } }],
    felixConfigurations: [],
    budgets: [],
    ...more,
  } as unknown as Observed;
}

const plan = (more: object = {}) => planFrom('from-calico', observed(more))!;
const codes = (more: object): readonly string[] => plan(more).blockers.map(({ code }) => code);

describe('a plan from Calico', () => {
  it('goes node by node, in an order that does not depend on the listing', () => {
    expect(plan().steps.map(({ id }) => id)).toEqual([
      'fence',
      'install',
      'n1/drain',
      'n1/leave',
      'n1/join',
      'n1/restart',
      'n2/drain',
      'n2/leave',
      'n2/join',
      'n2/restart',
      'finish',
    ]);
  });

  it('says of every step what it interrupts, what must hold, and how to go back', () => {
    const steps = plan().steps.map((step) => printedStep(step, 'from-calico', observed()));
    for (const step of steps) {
      expect(step.interrupts).not.toBe('');
      expect(step.check.length * step.undo.length * step.commands.length).toBeGreaterThan(0);
    }
    const of = (id: string) => steps.find((step) => step.id === id)!;
    expect(of('n1/drain').interrupts).toMatch(/^1 pods end/);
    expect(of('n1/restart').commands[0]).toBe('kubectl -n default delete pod logs');
    expect(of('n1/restart').commands[1]).toContain('"unschedulable":null');
    expect(of('finish').commands.join('\n')).toContain('-n kube-system patch deployment/calico-kube-controllers');
  });

  it("takes Calico's settings over", () => {
    expect(plan().settings).toEqual({
      network_before: 'calico',
      calico_backend: 'none',
      veth_mtu: '1440',
      ipv4_pool_cidr: '',
      ipv6_pool_cidr: '',
      ip_autodetection_method: 'interface=eth.*',
    });
    const vxlan = observed({
      configMaps: [{ metadata: { name: 'calico-config' }, data: { calico_backend: 'vxlan' } }],
    });
    expect(planFrom('from-calico', vxlan)!.settings).toMatchObject({ calico_backend: 'vxlan', veth_mtu: '0' });
  });

  it('is none where there is no Calico', () => {
    expect(planFrom('from-calico', observed({ daemonSets: [] }))).toBeUndefined();
  });

  const operated = calicoNode();
  const config = (data: object) => ({ configMaps: [{ metadata: { name: 'calico-config' }, data }] });
  it.each([
    [
      'operator',
      {
        daemonSets: [{ ...operated, metadata: { ...operated.metadata, namespace: 'calico-system' } }],
        deployments: [{ metadata: { name: 'tigera-operator' }, spec: { replicas: 1 } }],
      },
    ],
    ['ebpf', { daemonSets: [calicoNode([{ name: 'FELIX_BPFENABLED', value: 'true' }])] }],
    ['ebpf', { felixConfigurations: [{ spec: { bpfEnabled: true } }] }],
    ['wireguard', { felixConfigurations: [{ spec: { wireguardEnabled: true } }] }],
    ['policy-only', config({ calico_backend: 'none' })],
    ['host-local', config({ cni_network_config: '{"ipam": {"type": "host-local"}}' })],
    ['etcd', { daemonSets: [calicoNode([{ name: 'DATASTORE_TYPE', value: 'etcdv3' }])] }],
    // As its manifest for etcd has it.
    ['etcd', { daemonSets: [calicoNode([{ name: 'ETCD_ENDPOINTS', value: 'http://10.0.0.1:2379' }])] }],
    ['ipv6-vxlan', { pools: [{ metadata: { name: 'v6' }, spec: { cidr: 'fd00::/48', vxlanMode: 'Always' } }] }],
    ['reservations', { reservations: [{ metadata: { name: 'gateway' }, spec: { reservedCIDRs: ['10.244.0.1'] } }] }],
    ['windows', { nodes: [node('w', { 'kubernetes.io/os': 'windows' })] }],
    ['not-ready', { nodes: [node('n1'), { metadata: { name: 'sick' } }] }],
    ['installed', { daemonSets: [calicoNode(), { metadata: { name: 'sluice-node' }, spec: { template: {} } }] }],
    ['outside-pools', { pods: [{ ...pod('far', 'n1', 'ReplicaSet'), status: { podIP: '10.9.9.9' } }] }],
    [
      'settings',
      {
        configMaps: [
          { metadata: { name: 'calico-config' }, data: { calico_backend: 'vxlan' } },
          { metadata: { name: 'sluice-config', namespace: 'kube-system' }, data: { calico_backend: 'host-gw' } },
        ],
      },
    ],
    [
      'floating-ips',
      { pods: [{ metadata: { name: 'p', annotations: { 'cni.projectcalico.org/floatingIPs': '[]' } } }] },
    ],
  ])('is refused for %s', (code, more) => {
    expect(codes(more)).toEqual([code]);
  });

  it('goes on where the operator was stopped', () => {
    const daemonSets = [{ ...operated, metadata: { ...operated.metadata, namespace: 'calico-system' } }];
    expect(
      codes({ daemonSets, deployments: [{ metadata: { name: 'tigera-operator' }, spec: { replicas: 0 } }] }),
    ).toEqual([]);
  });
});

describe('the fence', () => {
  const terms = [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { matchFields: [] }];
  it.each([
    ['no affinity', {}],
    ['affinity of pods', { affinity: { podAntiAffinity: {} } }],
    ['preferred nodes', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } }],
    [
      'required nodes',
      { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } },
    ],
  ])('keeps agents with %s off labelled nodes, and leaves nothing behind', (_, podSpec) => {
    const before = calicoNode([], podSpec);
    const { put, remove } = fence(before as never);
    const fenced = mergePatch(before as never, put as never) as unknown as typeof before;
    expect(fenced.spec.updateStrategy).toEqual({ type: 'OnDelete' });
    const affinity = (fenced.spec.template.spec as { affinity?: object }).affinity;
    const asked = JSON.stringify(affinity).split('"key":"sluice.dev/network","operator":"DoesNotExist"').length - 1;
    expect(asked).toBe(JSON.stringify(podSpec).includes('required') ? 2 : 1);
    expect(mergePatch(fenced as never, remove as never)).toEqual(before);
    // Who goes back may have nothing to read but what is there now.
    expect(fence(fenced as never)).toEqual({ put, remove });
  });
});

it('makes a manifest for labelled nodes of what there is for all', () => {
  const [config, agents, other] = manifestFor({ settings: { a: '1' }, extras: [] }, [
    { kind: 'ConfigMap', metadata: { name: 'sluice-config' }, data: { a: '0', b: '2' } },
    {
      kind: 'DaemonSet',
      metadata: { name: 'sluice-node' },
      spec: { template: { spec: { nodeSelector: { os: 'x' } } } },
    },
    { kind: 'Deployment', metadata: { name: 'sluice-controllers' } },
  ]);
  expect(config?.data).toEqual({ a: '1', b: '2' });
  expect(agents?.spec).toEqual({ template: { spec: { nodeSelector: { os: 'x', 'sluice.dev/network': 'sluice' } } } });
  expect(other).toEqual({ kind: 'Deployment', metadata: { name: 'sluice-controllers' } });
});

describe('pods that a PodDisruptionBudget has', () => {
  const budget = (name: string, disruptionsAllowed: number, namespace = 'default') => ({
    metadata: { name, namespace },
    spec: { selector: {} },
    status: { disruptionsAllowed, desiredHealthy: 2, currentHealthy: 2 + disruptionsAllowed },
  });
  const drain = (...budgets: readonly object[]) => {
    const all = observed({ budgets });
    const step = planFrom('from-calico', all)!.steps.find(({ id }) => id === 'n1/drain')!;
    return { step, move: nextMove([step], 'forward', all), left: lacking(step.actions[1]!.until, all) };
  };

  it('are named with it where it lets none of them go now', () => {
    const { step, move, left } = drain(budget('closed', 0), budget('elsewhere', 0, 'other'));
    const kept = 'PodDisruptionBudget default/closed keeps default/web (2 healthy pods are needed, and 2 are there)';
    expect(step.interrupts).toContain(`now ${kept}.`);
    expect(left).toBe(`node n1 still has default/web; ${kept}`);
    expect(move.kind).toBe('act');
    expect(drain(budget('open', 1)).step.interrupts).toContain('are heeded.');
  });

  it('are not begun with where two have one, since no server would ever evict it', () => {
    expect(drain(budget('a', 1), budget('b', 1)).move).toMatchObject({
      kind: 'stop',
      reason: expect.stringContaining('more than one PodDisruptionBudget has default/web (a, b)') as string,
    });
  });
});
