import type { LineSink } from '../line-sink.ts';
import type { ReachEndpoint, ReachGraph } from './graph.ts';
import { connectionText } from './port-text.ts';

/** Writes a graph for Graphviz, namespaces as clusters. */
export async function writeDot({ endpoints, connections }: ReachGraph, sink: LineSink): Promise<void> {
  await sink.line('digraph reach {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname="sans-serif"];');
  for (const [namespace, own] of byNamespace(endpoints)) {
    const nodes = own.map((each) => `${quote(each.name)} [label=${quote(shortName(each))}${dotShape(each)}];`);
    if (namespace === undefined) for (const node of nodes) await sink.line(`  ${node}`);
    else {
      await sink.line(`  subgraph ${quote(`cluster_${namespace}`)} {\n    label=${quote(namespace)};\n    color=gray;`);
      for (const node of nodes) await sink.line(`    ${node}`);
      await sink.line('  }');
    }
  }
  for (const each of connections)
    await sink.line(`  ${quote(each.from)} -> ${quote(each.to)} [label=${quote(connectionText(each))}];`);
  await sink.line('}');
}

/** Writes a flowchart for Mermaid, namespaces as subgraphs. */
export async function writeMermaid({ endpoints, connections }: ReachGraph, sink: LineSink): Promise<void> {
  // Mermaid's own names must be plain words; the real ones are labels.
  const ids = new Map(endpoints.map(({ name }, index) => [name, `e${index}`]));
  await sink.line('flowchart LR');
  let group = 0;
  for (const [namespace, own] of byNamespace(endpoints)) {
    const nodes = own.map((each) => mermaidNode(ids.get(each.name)!, each));
    if (namespace === undefined) for (const node of nodes) await sink.line(`  ${node}`);
    else {
      await sink.line(`  subgraph g${group++}[${mermaidText(namespace)}]`);
      for (const node of nodes) await sink.line(`    ${node}`);
      await sink.line('  end');
    }
  }
  for (const each of connections)
    await sink.line(`  ${ids.get(each.from)} -->|${mermaidText(connectionText(each))}| ${ids.get(each.to)}`);
}

function byNamespace(endpoints: readonly ReachEndpoint[]): Map<string | undefined, ReachEndpoint[]> {
  const groups = new Map<string | undefined, ReachEndpoint[]>();
  for (const each of endpoints) {
    const key = each.kind === 'namespace' ? undefined : each.namespace;
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [each]);
    else list.push(each);
  }
  return groups;
}

/** The name without the namespace, which the frame around it says. */
export function shortName({ name, namespace, kind }: ReachEndpoint): string {
  return kind !== 'namespace' && namespace !== undefined && name.startsWith(`${namespace}/`)
    ? name.slice(namespace.length + 1)
    : name;
}

function dotShape({ kind }: ReachEndpoint): string {
  if (kind === 'external' || kind === 'domain') return ', shape=ellipse, style=dashed';
  return kind === 'node' ? ', shape=component, style=""' : '';
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function mermaidNode(id: string, endpoint: ReachEndpoint): string {
  const text = mermaidText(shortName(endpoint));
  return endpoint.kind === 'external' || endpoint.kind === 'domain' ? `${id}([${text}])` : `${id}[${text}]`;
}

/** Quoted text; what ends it or starts markup is written as an entity of Mermaid's. */
function mermaidText(text: string): string {
  return `"${text.replaceAll(/["#&<>`]/gu, (character) => `#${character.codePointAt(0)};`)}"`;
}
