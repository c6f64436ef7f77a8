import { parseCidr } from '../../base/ip/index.ts';
import { bgpView, birdConfig, readConfiguration, readFilter, readPeer } from '../../core/bgp/index.ts';
import type { BgpInput, BgpNode, BgpService } from '../../core/bgp/index.ts';
import { eventually, makeMachine, streamOf, withdrawalsOf } from './network.test-support.ts';
import type { Machine } from './network.test-support.ts';
import type { BirdSession } from './sessions.ts';

let machines: Machine[] = [];
let made = 0;

/** Ends all machines of a test. */
export async function endMachines(): Promise<void> {
  await Promise.all(machines.map((machine) => machine[Symbol.asyncDispose]()));
  for (const machine of machines) machine.run('ip', 'link', 'delete', 'eth0');
  machines = [];
}

/** Puts a machine on the segment that ends with the test. */
export function place(directory: string, addresses: readonly string[]): Machine {
  const machine = makeMachine(directory, `m${(made += 1)}`, addresses);
  machines.push(machine);
  return machine;
}

/** One node: `172.30.1.N`, its block `10.244.N.0/26`, and the same in IPv6. */
export interface Place {
  readonly machine: Machine;
  readonly node: BgpNode;
}

const cidr = (text: string) => parseCidr(text)!;

export function places(
  directory: string,
  count: number,
  rest: (index: number) => Partial<BgpNode> = () => ({}),
): readonly Place[] {
  return Array.from({ length: count }, (_, index) => {
    const host = 11 + index;
    const addresses = [`172.30.1.${host}/24`, `fd00:30:1::${host}/64`];
    return {
      machine: place(directory, addresses),
      node: { name: `node-${host}`, labels: {}, addresses: addresses.map(cidr), ...rest(index) },
    };
  });
}

export interface Cluster {
  readonly configuration?: object;
  readonly peers?: Readonly<Record<string, object>>;
  readonly filters?: Readonly<Record<string, object>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly services?: readonly BgpService[];
}

/** The configuration of one of the nodes in a cluster of all of them. */
export function configOf(self: Place, all: readonly Place[], cluster: Cluster = {}): string {
  const { configuration = {}, peers = {}, filters = {}, secrets = {}, services = [] } = cluster;
  const hostOf = ({ node }: Place): string => node.name.slice('node-'.length);
  const input: BgpInput = {
    node: self.node.name,
    nodes: new Map(all.map(({ node }) => [node.name, node])),
    configurations: new Map([['default', readConfiguration({ spec: configuration }).value!]]),
    peers: Object.entries(peers).flatMap(([name, spec]) => readPeer({ metadata: { name }, spec }).value ?? []),
    filters: new Map(
      Object.entries(filters).map(([name, spec]) => [name, readFilter({ metadata: { name }, spec }).value!]),
    ),
    pools: ['10.244.0.0/16', 'fd00:10:244::/48'].map((text) => ({
      cidr: cidr(text),
      tunnelled: false,
      exported: true,
    })),
    blocks: all.flatMap((each) =>
      [`10.244.${hostOf(each)}.0/26`, `fd00:10:244:${hostOf(each)}::/122`].map((text) => ({
        cidr: cidr(text),
        node: each.node.name,
        elsewhere: [],
      })),
    ),
    services,
    secret: ({ name, key }) => secrets[`${name}/${key}`],
  };
  return birdConfig(bgpView(input)!);
}

export async function configureAll(all: readonly Place[], cluster?: Cluster): Promise<void> {
  await Promise.all(all.map((each) => each.machine.bird.configure(configOf(each, all, cluster))));
}

export async function established({ machine }: Place, count: number): Promise<readonly BirdSession[]> {
  return eventually(`${machine.name} has ${count} sessions`, async () => {
    const up = (await machine.bird.sessions()).filter(({ info }) => info === 'Established');
    return up.length === count && up;
  });
}

/** The connections of all sessions: two lists are equal when no session ended in between. */
export const connections = ({ machine }: Place, ...options: readonly string[]): readonly string[] =>
  machine
    .run('ss', '-Htn', 'state', 'established', '( sport = :179 or dport = :179 )', ...options)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().split(/\s+/).slice(2).join(' '))
    .sort();

/** A BIRD that was restarted has heard what its peers have to say. */
export const recovered = ({ machine }: Place): Promise<boolean> =>
  eventually(`${machine.name} has recovered`, async () => !(await machine.bird.recovering()));

/** What is lost, and which routes of BGP's are taken away, while `disturb` runs: packets without an answer, and lines of `ip`. */
export async function damageOf(
  streams: readonly (readonly [machine: Machine, from: string, to: string])[],
  disturb: () => Promise<unknown>,
): Promise<{ readonly lost: number; readonly withdrawn: readonly string[] }> {
  const machines = [...new Set(streams.map(([machine]) => machine))];
  const watches = await Promise.all(machines.map(withdrawalsOf));
  const flows = streams.map((stream) => streamOf(...stream));
  await disturb();
  const lost = await Promise.all(flows.map((end) => end()));
  const withdrawn = await Promise.all(watches.map((end) => end()));
  return { lost: lost.reduce((sum, each) => sum + each, 0), withdrawn: withdrawn.flat() };
}

export const UNHARMED = { lost: 0, withdrawn: [] };

export const routed = ({ machine }: Place, ...wanted: readonly string[]): Promise<true> =>
  eventually(`${machine.name} has routes to ${wanted.join(', ')}`, () => {
    const have = [4, 6] as const;
    const destinations = have.flatMap((family) => machine.kernelRoutes(family).map((line) => line.split(' ')[0]));
    return wanted.every((each) => destinations.includes(each)) && true;
  });
