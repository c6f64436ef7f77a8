import type { Labels } from '../kube/labels.ts';
import type { Ruleset } from '../nft/model.ts';
import { LISTED_INTERFACES, OWN_INTERFACES } from '../nft/statements.ts';
import { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { NodeEndpoint } from '../policy/cluster.ts';
import { Dispatch } from './dispatch.ts';
import { DnsAnswers } from './dns-answers.ts';
import { HostEndpoints } from './host-endpoints.ts';
import { HostFilter } from './host-filter.ts';
import { HostPorts } from './host-ports.ts';
import { impactOf } from './impact.ts';
import type { CalcEngine, CalcOptions, CalcUpdate, Delta, LocalEndpoint } from './model.ts';
import { Network } from './network.ts';
import { OwnNode } from './own-node.ts';
import { PeerSets } from './peer-sets.ts';
import { PodTable } from './pod-table.ts';
import { PolicyChains } from './policy-chains.ts';
import { Services } from './services.ts';

/** The engine for one node. It begins with the ruleset of a node that knows of nothing: every pod interface closed. */
export function createCalcEngine(options: CalcOptions): CalcEngine {
  return new Engine(options);
}

class Engine implements CalcEngine {
  readonly #node: string;
  readonly #ruleset = new TrackedRuleset();
  readonly #network: Network;
  readonly #pods = new PodTable();
  readonly #sets: PeerSets;
  readonly #chains: PolicyChains;
  readonly #dispatch: Dispatch;
  readonly #services: Services;
  readonly #hostPorts: HostPorts;
  readonly #ownNode: OwnNode;
  readonly #dnsAnswers: DnsAnswers;
  readonly #hostFilter: HostFilter;
  readonly #hosts: HostEndpoints;
  readonly #nodes = new Map<string, NodeEndpoint>();
  readonly #local = new Map<string, LocalEndpoint>();
  #nodesChanged = false;

  constructor(options: CalcOptions) {
    const { node, families = [4, 6], tunnelInterface = 'vxlan.sluice', policyOnly } = options;
    const balanced = options.services === 'ipvs';
    const pods = policyOnly === undefined ? OWN_INTERFACES : LISTED_INTERFACES;
    this.#node = node;
    this.#network = new Network(this.#ruleset, {
      families,
      tunnelInterface,
      policyOnly: policyOnly !== undefined,
      balanced,
    });
    this.#sets = new PeerSets(this.#ruleset, this.#pods, families);
    this.#chains = new PolicyChains(this.#ruleset, this.#sets, families);
    this.#dispatch = new Dispatch(this.#ruleset, this.#pods, this.#chains, families, policyOnly?.prefixes);
    this.#services = new Services(this.#ruleset, node, families, balanced);
    this.#hostPorts = new HostPorts(this.#ruleset, families);
    this.#ownNode = new OwnNode(this.#ruleset, pods, policyOnly === undefined ? [] : families, balanced);
    this.#dnsAnswers = new DnsAnswers(this.#ruleset, families, pods);
    this.#hostFilter = new HostFilter(this.#ruleset, this.#sets, this.#chains, families, pods, balanced);
    this.#hosts = new HostEndpoints(node, this.#sets.ranges, this.#hostFilter);
  }

  apply(delta: Delta): void {
    const { key } = delta;
    switch (delta.kind) {
      case 'pod':
        this.#pods.setPod(key, delta.value);
        this.#dispatch.podChanged(key);
        break;
      case 'namespace':
        this.#pods.setNamespace(key, delta.value);
        this.#sets.ranges.setNamespace(key, delta.value);
        this.#dispatch.setNamespace(key, delta.value);
        break;
      case 'policy':
        this.#dispatch.setPolicy(key, delta.value);
        this.#hostFilter.setPolicy(key, delta.value);
        break;
      case 'tier':
        this.#dispatch.setTier(key, delta.value);
        this.#hostFilter.setTier(key, delta.value);
        break;
      case 'service-account':
        this.#setServiceAccount(key, delta.value);
        break;
      case 'network-set':
        this.#sets.ranges.setNetworkSet(key, delta.value);
        break;
      case 'host-endpoint':
        this.#hosts.setHost(key, delta.value);
        break;
      case 'domain':
        this.#sets.addresses.setDomain(key, delta.value);
        break;
      case 'settings':
        this.#ownNode.setSettings(delta.value);
        this.#hostFilter.setSettings(delta.value);
        this.#network.setSettings(delta.value);
        break;
      case 'profile':
        this.#hosts.setProfile(key, delta.value);
        break;
      case 'node':
        this.#setNode(key, delta.value);
        break;
      case 'tunnels':
        this.#network.setTunnels(delta.value);
        this.#hostFilter.setOverlay(delta.value?.devices.map(({ outer }) => outer));
        break;
      case 'advertised':
        this.#network.setAdvertised(delta.value ?? []);
        break;
      case 'peer':
        this.#network.setPeer(key, delta.value);
        break;
      case 'pool':
        this.#network.setPool(key, delta.value);
        break;
      case 'service':
        this.#services.setService(key, delta.value);
        break;
      case 'slice':
        this.#services.setSlice(key, delta.value);
        this.#sets.addresses.setSlice(key, delta.value);
        this.#dnsAnswers.setSlice(key, delta.value);
        break;
      case 'local-endpoint':
        this.#setLocal(key, delta.value);
        break;
    }
  }

  flush(): CalcUpdate {
    if (this.#nodesChanged) this.#network.setNodes(this.#nodes.values());
    this.#nodesChanged = false;
    this.#hosts.settle();
    const reshaped = this.#sets.settle();
    this.#chains.reshape(reshaped);
    this.#hostFilter.reshape(reshaped);
    this.#dispatch.settle();
    this.#hostFilter.settle();
    this.#ownNode.settle(this.#dispatch.judgesOwnNode);
    this.#dnsAnswers.settle(this.#sets.addresses.hasDomains);
    const { conntrackFlush, ...settled } = this.#services.settle();
    const flushes = { conntrackFlush: [...conntrackFlush, ...this.#hostPorts.settle()], ...settled };
    const transaction = this.#ruleset.flush();
    return { transaction, ...impactOf(transaction, this.#chains, this.#dispatch), ...flushes };
  }

  ruleset(): Ruleset {
    return this.#ruleset;
  }

  virtualServers(): ReturnType<CalcEngine['virtualServers']> {
    return this.#services.servers;
  }

  #setNode(name: string, node: NodeEndpoint | undefined): void {
    if (node === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, node);
    this.#sets.addresses.setNode(name, node);
    this.#nodesChanged = true;
    if (name !== this.#node) return;
    this.#services.setNodeAddresses(node?.addresses ?? []);
    this.#services.setZone(node?.labels['topology.kubernetes.io/zone']);
    this.#network.setOwnNode(node);
    this.#hostFilter.setNode(node);
  }

  #setServiceAccount(key: string, labels: Labels | undefined): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#pods.setServiceAccount(namespace, name, labels);
    this.#dispatch.setServiceAccount(namespace, name, labels);
  }

  #setLocal(id: string, endpoint: LocalEndpoint | undefined): void {
    this.#pods.setLocal(this.#local.get(id), endpoint);
    if (endpoint === undefined) this.#local.delete(id);
    else this.#local.set(id, endpoint);
    this.#dispatch.setLocal(id, endpoint);
    this.#hostPorts.setEndpoint(id, endpoint);
  }
}
