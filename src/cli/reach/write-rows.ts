import type { LineSink } from '../line-sink.ts';
import type { PortRecord, ReachConnection, ReachGraph } from './graph.ts';
import { connectionText } from './port-text.ts';

/** Writes a table for the terminal, a connection a row. */
export async function writeTable({ endpoints, connections }: ReachGraph, sink: LineSink): Promise<void> {
  const width = Math.max(4, ...endpoints.map(({ name }) => name.length)) + 3;
  await sink.line(`${'FROM'.padEnd(width)}${'TO'.padEnd(width)}PORTS`);
  const text = remembered(connectionText);
  for (const each of connections) {
    const wait = sink.line(`${each.from.padEnd(width)}${each.to.padEnd(width)}${text(each)}`);
    if (wait !== undefined) await wait;
  }
}

/** Writes a Markdown table, a connection a row. */
export async function writeMarkdown({ connections }: ReachGraph, sink: LineSink): Promise<void> {
  await sink.line('| From | To | Ports |\n| --- | --- | --- |');
  const text = remembered(connectionText);
  for (const each of connections) {
    const wait = sink.line(`| ${code(each.from)} | ${code(each.to)} | ${text(each)} |`);
    if (wait !== undefined) await wait;
  }
}

/** Writes comma-separated values (RFC 4180), an entry of a connection's ports a row. */
export async function writeCsv({ connections }: ReachGraph, sink: LineSink): Promise<void> {
  await sink.line('from,to,protocol,first_port,last_port,icmp_type,icmp_code,family,partial,exempt\r');
  for (const connection of connections) {
    const [head, tail] = [
      `${cell(connection.from)},${cell(connection.to)}`,
      `${connection.partial ?? ''},${connection.exempt ?? ''}`,
    ];
    for (const port of connection.ports) {
      const wait = sink.line(`${head},${portCells(port)},${port.family ?? ''},${tail}\r`);
      if (wait !== undefined) await wait;
    }
  }
}

/** Connections share their port lists, and most rows differ in nothing else than names. */
function remembered(text: (connection: ReachConnection) => string): (connection: ReachConnection) => string {
  const known = new WeakMap<object, string>();
  return (connection) => {
    if (connection.partial !== undefined || connection.exempt !== undefined) return text(connection);
    let found = known.get(connection.ports);
    if (found === undefined) known.set(connection.ports, (found = text(connection)));
    return found;
  };
}

/** Code in a Markdown table: names hold no backticks, label values no pipes, but nobody has checked the manifests. */
function code(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}

function portCells(port: PortRecord): string {
  if (port.protocol === 'ICMP') return `ICMP,,,${port.type ?? ''},${port.code ?? ''}`;
  return `${port.protocol},${port.from},${port.to},,`;
}

/** Quoted where needed; a leading sign that spreadsheets would run as a formula is defused. */
function cell(text: string): string {
  const safe = /^[=+\-@]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
