import type { LineSink } from '../line-sink.ts';
import type { ReachConnection, ReachGraph } from './graph.ts';

/**
 * Writes `{"endpoints":[…],"connections":[…]}`, an endpoint or connection a line: whole as JSON, and readable line by line by
 * tools that must not keep all of it.
 */
export async function writeJson({ endpoints, connections }: ReachGraph, sink: LineSink): Promise<void> {
  await list('{"endpoints":[', endpoints, JSON.stringify, sink);
  await list('],"connections":[', connections, connectionJson(), sink);
  await sink.line(']}');
}

async function list<T>(open: string, items: Iterable<T>, json: (item: T) => string, sink: LineSink): Promise<void> {
  await sink.line(open);
  let previous: string | undefined;
  for (const item of items) {
    if (previous !== undefined) {
      const wait = sink.line(`${previous},`);
      if (wait !== undefined) await wait;
    }
    previous = json(item);
  }
  if (previous !== undefined) await sink.line(previous);
}

/** The text of a port list is made once for all connections that share it. */
function connectionJson(): (connection: ReachConnection) => string {
  const texts = new WeakMap<object, string>();
  const names = new Map<string, string>();
  const quoted = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const text = JSON.stringify(name);
    names.set(name, text);
    return text;
  };
  return ({ from, to, ports, partial, exempt }) => {
    let text = texts.get(ports);
    if (text === undefined) texts.set(ports, (text = JSON.stringify(ports)));
    const rest = `${partial === true ? ',"partial":true' : ''}${exempt === undefined ? '' : `,"exempt":"${exempt}"`}`;
    return `{"from":${quoted(from)},"to":${quoted(to)},"ports":${text}${rest}}`;
  };
}
