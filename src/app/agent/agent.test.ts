import { describe, expect, it, vi } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Node } from '../../core/kube/types.ts';
import { KubeError } from '../../host/kube-client/errors.ts';
import {
  ADMIN_NETWORK_POLICIES,
  CLUSTER_NETWORK_POLICIES,
  GLOBAL_NETWORK_POLICIES,
  IP_POOLS,
  NETWORK_POLICIES,
  NODES,
  PODS,
  TIERS,
} from '../../host/kube-client/resources.ts';
import type { TrackedFlow } from '../../host/conntrack/port.ts';
import type { FlowTuple } from '../../host/conntrack/port.ts';
import { FakeNode } from './fake-node.test-support.ts';

interface Result {
  readonly ips: readonly { readonly address: string }[];
}

const links = (node: FakeNode): number =>
  node.network
    .netlink()
    .links()
    .filter(({ name }) => name.startsWith('slc')).length;

describe('ADD', () => {
  it('gives the address back and leaves nothing when the pod has no network namespace', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('a');
    await expect(node.ask(node.request('ADD', 'a', { netns: '/nowhere' }))).rejects.toThrow(
      /^5: cannot wire pod default\/a/,
    );
    expect([await node.heldByPods(), links(node), node.endpoints.load(() => undefined)]).toEqual([[], 0, []]);
  });

  it('refuses a pod that the cluster does not know, and holds no address for it', async () => {
    await using node = await FakeNode.create();
    await node.start();
    node.network.addNetns('/netns/ghost');
    await expect(node.ask(node.request('ADD', 'ghost'))).rejects.toThrow(/^11: pod default\/ghost is not known/);
    await expect(node.ask(node.request('ADD', 'ghost', { args: '' }))).rejects.toThrow(/^4: .*K8S_POD_NAME/);
    expect(await node.heldByPods()).toEqual([]);
  });

  it('never gives two containers one address, however many ask at once', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
    await Promise.all(names.map((name) => node.createPod(name)));
    const results = await Promise.all(names.map((name) => node.ask(node.request('ADD', name)) as Promise<Result>));
    expect(new Set(results.map(({ ips }) => ips[0]!.address)).size).toBe(40);
    expect(links(node)).toBe(40);
  });

  it('says so when the pool is exhausted, and works again after a DEL', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const names = Array.from({ length: 256 }, (_, i) => `p${i}`);
    for (const name of names) await node.createPod(name);
    const outcomes = await Promise.allSettled(names.map((name) => node.ask(node.request('ADD', name))));
    const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
    // One of the 256 addresses is the node's own, in the tunnel.
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(/11: no address for pod/);
  });

  it('waits for an agent that has only just started', async () => {
    await using node = await FakeNode.create();
    const starting = node.start();
    await node.createPod('early');
    await node.until(async () => ((await node.ask(node.request('ADD', 'early'))) as Result).ips.length === 1);
    await starting;
  });
});

describe('DEL', () => {
  it('succeeds while the API is away, and gives the address back when it answers again', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('a');
    await node.ask(node.request('ADD', 'a'));
    const update = vi.spyOn(node.client, 'update').mockRejectedValue(new KubeError('unavailable', 'away'));
    await node.ask(node.request('DEL', 'a'));
    expect(links(node)).toBe(0);
    expect(await node.heldByPods()).toEqual(['a']);
    update.mockRestore();
    await node.createPod('b');
    await node.ask(node.request('ADD', 'b'));
    await node.ask(node.request('DEL', 'a'));
    expect(await node.heldByPods()).toEqual(['b']);
  });

  it('forgets the connections of the address before anyone else can have it', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('a');
    const { ips } = (await node.ask(node.request('ADD', 'a'))) as Result;
    node.conntrack.flows.set(1, flow(1, ips[0]!.address.split('/')[0]!, '203.0.113.10'));
    node.conntrack.flows.set(2, flow(2, '203.0.113.10', '203.0.113.11'));
    await node.ask(node.request('DEL', 'a'));
    await node.until(() => node.conntrack.flows.size === 1);
    expect([...node.conntrack.flows.keys()]).toEqual([2]);
  });
});

describe('after a reboot of the node', () => {
  it('the pods of before are forgotten and their addresses given back', async () => {
    await using node = await FakeNode.create();
    await node.start();
    for (const name of ['a', 'b']) {
      await node.createPod(name);
      await node.ask(node.request('ADD', name));
    }
    await node.stop();
    node.boot();
    await node.start();
    await node.until(async () => (await node.heldByPods()).length === 0);
    expect(node.endpoints.load(() => undefined)).toEqual([]);
    await expect(node.ask(node.request('CHECK', 'a'))).rejects.toThrow(/^3: /);
  });
});

describe('an agent that starts', () => {
  it('gives no address away that an ADD of meanwhile has, while it settles the DELs of before', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('gone');
    await node.ask(node.request('ADD', 'gone'));
    await node.stop();
    node.leaveTombstone(node.request('DEL', 'gone'));
    await node.createPod('late');
    const pod = Promise.withResolvers<void>();
    const get = node.client.get.bind(node.client);
    vi.spyOn(node.client, 'get').mockImplementation(async (resource, ...rest) => {
      if (resource.plural === 'pods') await pod.promise;
      return get(resource, ...rest);
    });
    const api = Promise.withResolvers<void>();
    const list = node.client.list.bind(node.client);
    vi.spyOn(node.client, 'list').mockImplementation(async (...all) => api.promise.then(() => list(...all)));
    const starting = node.start();
    const isRefused = (): Promise<boolean> =>
      node.ask(node.request('STATUS', '')).then(
        () => false,
        (error: unknown) => String(error).includes('50: '),
      );
    await node.until(isRefused);
    // The watch knows the pod under another uid, so the API is asked, and lets us wait.
    const args = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=late;K8S_POD_UID=another';
    const adding = node.ask(node.request('ADD', 'late', { args }));
    // Asked after it and answered: so the ADD has arrived, too.
    await node.until(isRefused);
    api.resolve();
    await starting;
    // The last thing of a start.
    await node.until(async () => (await get<Node>(NODES, { name: 'n1' })).status?.conditions?.length === 1);
    // What a pod asks for decides about its addresses, so an unknown one has none yet.
    expect(await node.heldByPods()).toEqual([]);
    pod.resolve();
    await adding;
    expect(await node.heldByPods()).toEqual(['late']);
  });

  it('keeps filtering the addresses of a pool that gives out no more', async () => {
    await using node = await FakeNode.create();
    const spec = { cidr: 'fd00:10:244::/64', disabled: true };
    await node.client.create(IP_POOLS, { metadata: { name: 'retired' }, spec } as object);
    await node.start();
    expect(node.nftables.actual({ chains: new Map(), sets: new Map() })?.sets.has('source6')).toBe(true);
  });
});

describe('an agent that lost its records', () => {
  it('gives no living pod’s address away', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('a');
    await node.ask(node.request('ADD', 'a'));
    await node.stop();
    for (const { id } of node.endpoints.load(() => undefined)) node.endpoints.remove(id);
    await node.start();
    await node.createPod('b');
    await node.ask(node.request('ADD', 'b'));
    expect((await node.heldByPods()).toSorted()).toEqual(['a', 'b']);
    await node.ask(node.request('DEL', 'a'));
    expect([await node.heldByPods(), links(node)]).toEqual([['b'], 1]);
  });
});

describe('the packet filter', () => {
  it('is rewritten whole when the kernel refuses a change, and the pod is still not open meanwhile', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const apply = vi.spyOn(node.nftables, 'apply').mockImplementationOnce(() => {
      throw new Error('no buffer space');
    });
    await node.client.create(NETWORK_POLICIES, {
      metadata: { name: 'p', namespace: 'default' },
      spec: { podSelector: {}, policyTypes: ['Ingress'] },
    } as object);
    await node.createPod('a');
    await node.ask(node.request('ADD', 'a'));
    expect(apply.mock.calls.some(([transaction]) => transaction[0]?.op === 'destroy-table')).toBe(true);
    expect(node.warnings.join()).toMatch(/no buffer space/);
    await expect(node.ask(node.request('STATUS', ''))).resolves.toBeNull();
  });

  it('keeps ADD from succeeding for as long as the kernel refuses everything', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('a');
    const apply = vi.spyOn(node.nftables, 'apply').mockImplementation(() => {
      throw new Error('no memory');
    });
    await expect(node.ask(node.request('ADD', 'a'))).rejects.toThrow(/^5: .*no memory/);
    await expect(node.ask(node.request('STATUS', ''))).rejects.toThrow(/^50: /);
    expect(links(node)).toBe(0);
    apply.mockRestore();
    await node.ask(node.request('ADD', 'a'));
    await expect(node.ask(node.request('STATUS', ''))).resolves.toBeNull();
  });
});

describe('live connections', () => {
  it('are marked when policy comes to deny them, and unmarked when it allows them again; others are left alone', async () => {
    await using node = await FakeNode.create();
    await node.start();
    await node.createPod('web');
    const { ips } = (await node.ask(node.request('ADD', 'web'))) as Result;
    const address = ips[0]!.address.split('/')[0]!;
    await node.client.patch(
      PODS,
      { namespace: 'default', name: 'web' },
      'merge',
      { status: { podIP: address } },
      { subresource: 'status' },
    );
    node.conntrack.flows.set(1, flow(1, '203.0.113.10', address));
    node.conntrack.flows.set(2, flow(2, address, '203.0.113.10'));
    node.conntrack.flows.set(3, flow(3, '172.30.1.11', address));
    await node.client.create(NETWORK_POLICIES, {
      metadata: { name: 'closed', namespace: 'default' },
      spec: { podSelector: {}, policyTypes: ['Ingress'] },
    } as object);
    const marks = (): readonly number[] => [1, 2, 3].map((id) => node.conntrack.flows.get(id)!.mark);
    await node.until(() => marks()[0] === 1);
    // What the pod itself opened and what its own node opens to it is not the policy's business.
    expect(marks()).toEqual([1, 0, 0]);
    await node.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'closed' });
    await node.until(() => marks()[0] === 0);
  });

  it('stay cut when the pod at their other end is looked at alone and has nothing against them', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const [web, client] = [await attach(node, 'web'), await attach(node, 'client')];
    node.conntrack.flows.set(1, flow(1, client, web));
    await node.client.create(NETWORK_POLICIES, policy('web', { ingress: [] }));
    await node.until(() => node.conntrack.flows.get(1)!.mark === 1);
    node.conntrack.flows.set(2, flow(2, client, '203.0.113.10'));
    await node.client.create(NETWORK_POLICIES, policy('client', { egress: [{ to: [{ podSelector: {} }] }] }));
    await node.until(() => node.conntrack.flows.get(2)!.mark === 1);
    expect(node.conntrack.flows.get(1)!.mark).toBe(1);
  });

  it('are cut even when the kernel at first refuses the change and the whole table after it', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const web = await attach(node, 'web');
    node.conntrack.flows.set(1, flow(1, '203.0.113.10', web));
    const refuse = (): void => {
      throw new Error('no buffer space');
    };
    vi.spyOn(node.nftables, 'apply').mockImplementationOnce(refuse).mockImplementationOnce(refuse);
    await node.client.create(NETWORK_POLICIES, policy('web', { ingress: [] }));
    await node.until(() => node.conntrack.flows.get(1)!.mark === 1);
  });
});

describe('policies that come with CustomResourceDefinitions', () => {
  it('are empty in a cluster without them, which the agent serves all the same', async () => {
    await using node = await FakeNode.create();
    const added = [ADMIN_NETWORK_POLICIES, CLUSTER_NETWORK_POLICIES, ...GLOBAL_NETWORK_POLICIES, ...TIERS];
    for (const resource of added) node.client.serve(resource, false);
    await node.start();
    await attach(node, 'web');
  });

  it('cut what they deny, in whichever tier, and give it back', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const web = await attach(node, 'web');
    node.conntrack.flows.set(1, flow(1, '203.0.113.10', web));
    const [resource] = GLOBAL_NETWORK_POLICIES;
    const spec = { selector: "app == 'web'", order: 1, types: ['Ingress'], ingress: [{ action: 'Deny' }] };
    await node.client.create(resource!, { metadata: { name: 'closed' }, spec } as object);
    await node.until(() => node.conntrack.flows.get(1)!.mark === 1);
    const lenient = { ...spec, ingress: [{ action: 'Allow' }] };
    await node.client.update(resource!, { metadata: { name: 'closed' }, spec: lenient } as object);
    await node.until(() => node.conntrack.flows.get(1)!.mark === 0);
  });
});

describe('with every pool disabled', () => {
  it('an agent that starts keeps its pods and follows policy, and serves new ones when a pool is enabled', async () => {
    await using node = await FakeNode.create();
    await node.start();
    const web = await attach(node, 'web');
    const tunnels = () => {
      const netlink = node.network.netlink();
      const device = netlink.links().find(({ name }) => name === 'vxlan.sluice')?.index;
      return netlink.addresses().filter(({ link }) => link === device);
    };
    await node.until(() => tunnels().length === 1);
    const [tunnel] = tunnels();
    await node.client.patch(IP_POOLS, { name: 'pool' }, 'merge', { spec: { disabled: true } });
    await node.stop();
    await node.start();
    expect(tunnels()).toEqual([tunnel]);
    node.conntrack.flows.set(1, flow(1, '203.0.113.10', web));
    await node.client.create(NETWORK_POLICIES, policy('web', { ingress: [] }));
    await node.until(() => node.conntrack.flows.get(1)!.mark === 1);
    await node.createPod('late');
    await expect(node.ask(node.request('ADD', 'late'))).rejects.toThrow('no enabled address pool');
    await node.client.patch(IP_POOLS, { name: 'pool' }, 'merge', { spec: { disabled: false } });
    await node.until(async () => (await node.ask(node.request('ADD', 'late'))) !== undefined);
  });
});

/** Creates and wires a pod labelled with its name; resolves to its address. */
async function attach(node: FakeNode, name: string): Promise<string> {
  await node.createPod(name);
  const target = { namespace: 'default', name };
  await node.client.patch(PODS, target, 'merge', { metadata: { labels: { app: name } } });
  const { ips } = (await node.ask(node.request('ADD', name))) as Result;
  const address = ips[0]!.address.split('/')[0]!;
  await node.client.patch(PODS, target, 'merge', { status: { podIP: address } }, { subresource: 'status' });
  return address;
}

/** A policy of the directions that `rules` has, for the pod of its name. */
function policy(app: string, rules: { readonly ingress?: readonly object[]; readonly egress?: readonly object[] }) {
  const policyTypes = ['Ingress', 'Egress'].filter((type) => type.toLowerCase() in rules);
  const spec = { podSelector: { matchLabels: { app } }, policyTypes, ...rules };
  return { metadata: { name: app, namespace: 'default' }, spec } as object;
}

function flow(id: number, source: string, destination: string): TrackedFlow {
  const tuple = (from: string, to: string, ports: readonly [number, number]): FlowTuple => ({
    source: parseIp(from)!,
    destination: parseIp(to)!,
    protocol: 6,
    sourcePort: ports[0],
    destinationPort: ports[1],
  });
  return {
    id,
    original: tuple(source, destination, [40_000, 80]),
    reply: tuple(destination, source, [80, 40_000]),
    mark: 0,
    status: 0,
    timeout: 60,
    zone: 0,
  };
}

describe('the address at which peers reach the node', () => {
  const annotated = async (node: FakeNode): Promise<string | undefined> => {
    const object = await node.client.get<Node>(NODES, { name: 'n1' });
    return object.metadata?.annotations?.['projectcalico.org/IPv4Address'];
  };

  it('is found by the method that is asked for, and peers are told', async () => {
    await using node = await FakeNode.create();
    node.network.netlink().apply([
      { kind: 'add-link', link: { type: 'veth', name: 'eth1', up: true, peer: { name: 'far1' } } },
      { kind: 'add-address', address: { link: 'eth1', address: parseCidr('198.51.100.11/24')! } },
    ]);
    await node.start({ addressMethods: { 4: { kind: 'interface', patterns: ['eth1'] } } });
    expect(await annotated(node)).toBe('198.51.100.11/24');
    expect(node.network.netlink().link('vxlan.sluice')?.vxlan?.local).toEqual(parseIp('198.51.100.11'));
  });

  it('is the InternalIP where the method finds nothing, which is a problem', async () => {
    await using node = await FakeNode.create();
    await node.start({ addressMethods: { 4: { kind: 'interface', patterns: ['nope'] } } });
    expect(await annotated(node)).toMatch(/^172\.30\.1\.11\//);
    expect(node.warnings.join('\n')).toContain(
      "cannot detect this node's IPv4 address: no interface nope has an IPv4 address that nodes could use",
    );
  });
});

describe('a pool that begins to ask for a tunnel', () => {
  it('gets the device and an address on it while the agent runs, and the peers are told', async () => {
    await using node = await FakeNode.create();
    await node.start({ backend: 'host-gw' });
    const link = () => node.network.netlink().link('vxlan.sluice');
    expect(link()).toBeUndefined();
    await node.client.patch(IP_POOLS, { name: 'pool' }, 'merge', { spec: { vxlanMode: 'Always' } });
    await node.until(() => link() !== undefined);
    const netlink = node.network.netlink();
    await node.until(() => netlink.addresses({ link: 'vxlan.sluice' }).some(({ scope }) => scope === 'global'));
    const annotation = 'projectcalico.org/IPv4VXLANTunnelAddr';
    await node.until(async () => {
      const object = await node.client.get<Node>(NODES, { name: 'n1' });
      return object.metadata?.annotations?.[annotation] !== undefined;
    });
  });
});
