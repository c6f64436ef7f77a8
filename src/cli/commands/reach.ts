import { SluiceError } from '../../base/errors.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { reach } from '../../core/reach/index.ts';
import type { Command } from '../command.ts';
import { INPUT_OPTIONS, STAGED, readInput } from '../input.ts';
import { LineSink } from '../line-sink.ts';
import { readPartyOption } from '../party/read-party-text.ts';
import type { Members } from '../party/members.ts';
import type { ReachConnection, ReachGraph } from '../reach/graph.ts';
import { podGraph } from '../reach/pod-graph.ts';
import { PORT_OPTIONS, portsOf } from '../reach/port-option.ts';
import type { Selection } from '../reach/selection.ts';
import { exposureGraph } from '../reach/exposure.ts';
import { unitGraph } from '../reach/unit-graph.ts';
import type { Grouping } from '../reach/units.ts';
import { writeDot, writeMermaid } from '../reach/write-graph.ts';
import { writeJson } from '../reach/write-json.ts';
import { writeCsv, writeMarkdown, writeTable } from '../reach/write-rows.ts';
import { writeSvg } from '../reach/write-svg.ts';

const WRITERS: Readonly<Record<string, (graph: ReachGraph, sink: LineSink) => Promise<void>>> = {
  table: writeTable,
  json: writeJson,
  csv: writeCsv,
  md: writeMarkdown,
  dot: writeDot,
  mermaid: writeMermaid,
  svg: writeSvg,
};

/** `sluice reach` */
export const command: Command = {
  meta: {
    description:
      'Computes, without trying addresses one by one, which pods, nodes and addresses outside can connect to which, and on\n' +
      'which ports, from manifests or a running cluster.\n' +
      'WHO: NAMESPACE/POD, NAMESPACE/deployment/NAME, NAMESPACE/service/NAME, NAMESPACE/ for all of its pods, labels such as\n' +
      'app=web or NAMESPACE/app=web, node/NAME, nodes, an address or CIDR, outside.\n' +
      'Exit code 0: something can talk; 1: nothing can; 2: it could not be computed.',
    examples: [
      'sluice reach -f manifests/',
      'sluice reach -f manifests/ --to shop/deployment/db --port 5432',
      'sluice reach -f manifests/ --group namespace -o svg > reach.svg',
      'sluice reach --live --from outside -o json',
      'sluice reach -f manifests/ --exposure',
    ],
  },
  args: {
    positionals: [],
    options: [
      ...INPUT_OPTIONS,
      STAGED,
      { flags: '--from <who>', description: 'only connections from there; may be repeated', repeatable: true },
      { flags: '--to <who>', description: 'only connections to there; may be repeated', repeatable: true },
      ...PORT_OPTIONS,
      { flags: '--group <by>', description: 'show pods as one', choices: ['workload', 'namespace', 'labels'] },
      { flags: '--exposure', description: 'what pods and namespaces that are not there yet could reach, and who them' },
      { flags: '-n, --namespace <namespace>', description: 'namespace of names without one', fallback: 'default' },
      {
        flags: '-o, --output <format>',
        description: 'how to print it',
        choices: Object.keys(WRITERS),
        fallback: 'table',
      },
    ],
  },
  run: async (invocation) => {
    const { values } = invocation;
    const ports = portsOf(values);
    const { state } = await readInput(invocation);
    const side = (name: 'from' | 'to'): Partial<Record<'from' | 'to', Members>> => {
      const texts = values[name] as readonly string[] | undefined;
      if (texts === undefined) return {};
      const [option, namespace] = [`--${name}`, String(values['namespace'])];
      // Supposed pods may have labels and namespaces that nobody has yet.
      if (values['exposure'] !== true) for (const text of texts) checkMeant(option, text, namespace, state);
      return { [name]: readPartyOption(option, texts, namespace, state) };
    };
    const selection: Selection = { ...side('from'), ...side('to'), ...(ports === undefined ? {} : { ports }) };
    const grouping = values['group'] as Grouping | undefined;
    const graph =
      values['exposure'] === true ? exposureGraph(state, selection, grouping) : graphOf(state, selection, grouping);
    const answer = new Counted(graph.connections);
    const sink = new LineSink(invocation);
    await WRITERS[String(values['output'])]!({ endpoints: graph.endpoints, connections: answer }, sink);
    await sink.flush();
    return answer.count > 0 ? 0 : 1;
  },
};

/** That nobody can talk would be true, and hide a slip. */
function checkMeant(option: string, text: string, namespace: string, state: ClusterState): void {
  const { pod, node, outside } = readPartyOption(option, [text], namespace, state);
  if (text === 'nodes' || outside[4].length + outside[6].length > 0) return;
  if (state.pods.values().some(pod) || state.nodes.values().some(node)) return;
  throw new SluiceError('bad-question', `${option} ${text}: no pod is meant`);
}

function graphOf(state: ClusterState, selection: Selection, grouping: Grouping | undefined): ReachGraph {
  const reachability = reach(state);
  return grouping === undefined ? podGraph(reachability, selection) : unitGraph(reachability, grouping, selection);
}

/** Connections that are counted while they are read. */
class Counted implements Iterable<ReachConnection> {
  count = 0;
  readonly #connections: Iterable<ReachConnection>;

  constructor(connections: Iterable<ReachConnection>) {
    this.#connections = connections;
  }

  *[Symbol.iterator](): Iterator<ReachConnection> {
    for (const each of this.#connections) {
      this.count++;
      yield each;
    }
  }
}
