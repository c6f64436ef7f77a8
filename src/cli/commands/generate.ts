import { stringify } from 'yaml';
import { SluiceError } from '../../base/errors.ts';
import { parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { ClusterState } from '../../core/policy/index.ts';
import { generate } from '../../core/reach/index.ts';
import type { Generated, PolicyApi, Wish } from '../../core/reach/index.ts';
import type { Command, Values } from '../command.ts';
import { dnsWish } from '../generate/dns.ts';
import { readRecords } from '../generate/read-records.ts';
import { remarksOn } from '../generate/report.ts';
import { wishesOf } from '../generate/wishes.ts';
import { INPUT_OPTIONS, readInput } from '../input.ts';

/** Not made for the namespace of the cluster's own services unless it is asked for: its pods are everybody's. */
const SPARED: ReadonlySet<string> = new Set(['kube-system']);

/** `sluice generate CONNECTIONS -f CLUSTER` */
export const command: Command = {
  meta: {
    description:
      'Reads connections, observed or wished for, and prints the fewest policies that allow them and nothing else in the\n' +
      'namespaces concerned; the symbolic reader then proves it. CONNECTIONS: a file of JSON lines or CSV, or - for\n' +
      'standard input, with the fields from, to, port and protocol (without port and protocol: everything).\n' +
      'WHO: as in sluice reach; a CIDR means addresses outside the cluster. Pods of one workload are granted the same.\n' +
      'Exit code 0: the policies allow exactly what was wished; 1: something could not be granted, as standard error says;\n' +
      '2: the input could not be read.',
    examples: [
      'sluice generate flows.jsonl -f manifests/ > policies.yaml',
      'sluice generate flows.csv --live --api calico --namespace shop --dns',
      `echo '{"from":"shop/deployment/web","to":"shop/service/db","port":5432}' | sluice generate - -f manifests/`,
    ],
  },
  args: {
    positionals: [{ name: '<connections>', description: 'file of JSON lines or CSV, or -', completes: 'file' }],
    options: [
      ...INPUT_OPTIONS,
      {
        flags: '--api <api>',
        description: 'whose policies',
        choices: ['kubernetes', 'calico'],
        fallback: 'kubernetes',
      },
      {
        flags: '--namespace <namespace>',
        description:
          'make policies for this namespace; may be repeated; without it, for all that occur but kube-system',
        repeatable: true,
      },
      { flags: '--dns', description: "also let all pods of these namespaces ask the cluster's DNS" },
      {
        flags: '--cluster-cidr <cidr>',
        description: 'a block that is never outside, such as that of the pods; may be repeated',
        repeatable: true,
      },
      { flags: '-o, --output <format>', description: 'output format', choices: ['yaml', 'json'], fallback: 'yaml' },
    ],
  },
  run: async (invocation) => {
    const { values, note } = invocation;
    const clusterBlocks = blocksOf(values);
    const { state } = await readInput(invocation);
    const wishes = readWishes(invocation.arguments[0] ?? '-', state, note);
    const namespaces = namespacesOf(values, wishes, state);
    if (values['dns'] === true) wishes.push(dnsWish(state, namespaces));
    const generated = generate(state, wishes, { api: values['api'] as PolicyApi, namespaces, clusterBlocks });
    for (const line of remarksOn(generated)) note(line);
    noteOthers(state, namespaces, note);
    invocation.print(values['output'] === 'json' ? json(generated) : yaml(generated));
    const { inexpressible, missing, excess } = generated;
    return inexpressible.length + missing.length + excess.length > 0 ? 1 : 0;
  },
};

function readWishes(path: string, state: ClusterState, note: (line: string) => void): Wish[] {
  const { records, problems: unread, denied } = readRecords(path);
  const problems = [...unread];
  const wishes = records.flatMap((record) => {
    try {
      return wishesOf(record, state, 'default');
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      problems.push(`${record.place}: ${error.message}`);
      return [];
    }
  });
  if (problems.length > 0) throw new SluiceError('bad-input', problems.join('\n'));
  if (denied > 0) note(`note: ${denied} connections that were denied are not wished for`);
  if (wishes.length === 0) throw new SluiceError('bad-input', `${path}: there is no connection in it`);
  return wishes;
}

function namespacesOf(values: Values, wishes: readonly Wish[], state: ClusterState): string[] {
  const given = (values['namespace'] ?? []) as readonly string[];
  const known = new Set([...state.namespaces.keys(), ...Array.from(state.pods.values(), (pod) => pod.namespace)]);
  const unknown = given.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new SluiceError('bad-question', `--namespace: there is no namespace ${unknown.join(', ')}`);
  if (given.length > 0) return [...new Set(given)];
  const found = new Set(wishes.flatMap(({ from, to }) => [...from.pods, ...to.pods].map((pod) => pod.namespace)));
  return [...found].filter((name) => !SPARED.has(name));
}

function blocksOf(values: Values): Cidr[] {
  return ((values['clusterCidr'] ?? []) as readonly string[]).map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined)
      throw new SluiceError('bad-question', `--cluster-cidr ${text}: must be a block such as 10.244.0.0/16`);
    return cidr;
  });
}

function noteOthers(state: ClusterState, namespaces: readonly string[], note: (line: string) => void): void {
  const others = state.tiers.flatMap(({ policies }) =>
    policies.filter(({ source }) => source.namespace === undefined || namespaces.includes(source.namespace)),
  );
  if (others.length === 0) return;
  const names = others
    .slice(0, 5)
    .map(({ source }) => [source.kind, source.namespace, source.name].filter(Boolean).join('/'));
  note(
    `note: ${others.length} policies are in force there already (${names.join(', ')}${others.length > 5 ? ', …' : ''}); ` +
      'what is generated means to stand without them',
  );
}

function json({ policies }: Generated): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policies }, null, 2);
}

function yaml({ policies }: Generated): string {
  return policies.map((policy) => stringify(policy, { lineWidth: 0 }).trimEnd()).join('\n---\n');
}
