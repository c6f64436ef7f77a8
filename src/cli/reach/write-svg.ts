import { SluiceError } from '../../base/errors.ts';
import type { LineSink } from '../line-sink.ts';
import { escapeXml } from '../xml.ts';
import type { ReachConnection, ReachEndpoint, ReachGraph } from './graph.ts';
import { connectionText, portsText } from './port-text.ts';
import { shortName } from './write-graph.ts';

/** Sizes in pixels. */
const CELL = { width: 58, height: 24 };
const FONT = 12;
/** Advance of an average character, as a part of the font's size; labels are given a little more than they need. */
const ADVANCE = 0.58;
const MARGIN = 16;
const LEGEND = 34;
const SLANT = Math.PI / 4;

/** Browsers begin to struggle beyond, and people long before. */
const MOST_CELLS = 100_000;

/** Colours of both schemes: allowed in full, in part, and without being asked. Text on them keeps a contrast of 4.5. */
const STYLE = `
  text { font: ${FONT}px system-ui, sans-serif; fill: #1f2328; }
  .page { fill: #ffffff; } .grid { stroke: #d0d7de; } .frame { stroke: #6e7781; stroke-width: 1.5; }
  .dim { fill: #59636e; } .none { fill: #f6f8fa; } .self { fill: #eaeef2; }
  .all { fill: #ffd8b5; } .some { fill: #b6e3ff; } .exempt { fill: #d8d0f5; }
  .cell { text-anchor: middle; font-size: ${FONT - 1}px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .page { fill: #0d1117; } .grid { stroke: #30363d; } .frame { stroke: #8b949e; }
    .dim { fill: #9198a1; } .none { fill: #151b23; } .self { fill: #21262d; }
    .all { fill: #7a3e10; } .some { fill: #0c4a7a; } .exempt { fill: #46387a; }
  }`;

/**
 * Draws who can talk to whom as a matrix, sources down and destinations across, namespaces framed. Every cell tells its ports
 * when the pointer rests on it.
 */
export async function writeSvg({ endpoints, connections }: ReachGraph, sink: LineSink): Promise<void> {
  const cells = new Map<string, ReachConnection>();
  const [sources, targets] = [new Set<string>(), new Set<string>()];
  // The connections of what is too large anyway may be too many to be kept.
  const least = endpoints.filter((each) => isShown(each, sources)).length;
  if (least * least > MOST_CELLS) throw tooLarge(least, least);
  for (const each of connections) {
    if (cells.size > MOST_CELLS) throw tooLarge(sources.size, targets.size);
    cells.set(`${each.from}\n${each.to}`, each);
    sources.add(each.from);
    targets.add(each.to);
  }
  const rows = endpoints.filter((each) => isShown(each, sources));
  const columns = endpoints.filter((each) => isShown(each, targets));
  if (rows.length * columns.length > MOST_CELLS) throw tooLarge(rows.length, columns.length);
  const layout = layoutOf(rows, columns);
  await sink.line(head(layout));
  await sink.line(legend());
  for (const [x, column] of columns.entries()) await sink.line(columnLabel(column, x, layout));
  for (const [y, row] of rows.entries()) {
    await sink.line(rowLabel(row, y, layout));
    for (const [x, column] of columns.entries())
      await sink.line(cell(row, column, cells.get(`${row.name}\n${column.name}`), x, y, layout));
  }
  await sink.line(frames(rows, columns, layout));
  await sink.line('</svg>');
}

function tooLarge(rows: number, columns: number): SluiceError<'too-large'> {
  const message = `a picture of ${rows} by ${columns} endpoints or more would be too large: show pods as one with --group, or narrow it with --from and --to`;
  return new SluiceError('too-large', message);
}

/** Pods and groups of them are shown even when they can reach nothing; the rest of the world only when it matters. */
function isShown({ name, kind, hostNetwork }: ReachEndpoint, connected: ReadonlySet<string>): boolean {
  if (hostNetwork === true) return false;
  return connected.has(name) || !['external', 'domain', 'node'].includes(kind);
}

interface Layout {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function layoutOf(rows: readonly ReachEndpoint[], columns: readonly ReachEndpoint[]): Layout {
  const longest = (list: readonly ReachEndpoint[]) =>
    Math.max(0, ...list.map((each) => label(each).length)) * FONT * ADVANCE;
  const left = MARGIN + longest(rows) + 10;
  const slanted = longest(columns) * Math.sin(SLANT);
  const top = MARGIN + LEGEND + slanted + 16;
  const legendWidth = 520;
  const width = Math.max(left + columns.length * CELL.width + slanted, legendWidth) + MARGIN;
  return { left, top, width, height: top + rows.length * CELL.height + MARGIN };
}

function head({ width, height }: Layout): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="Allowed connections">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${w}" height="${h}"/>`,
  ].join('\n');
}

function legend(): string {
  const items = [
    ['all', 'all traffic'],
    ['some', 'some ports'],
    ['exempt', 'own node'],
    ['none', 'nothing'],
  ] as const;
  const swatches = items.map(
    ([name, text], index) =>
      `<rect class="${name} grid" x="${MARGIN + index * 110}" y="${MARGIN}" width="14" height="14"/>` +
      `<text x="${MARGIN + 20 + index * 110}" y="${MARGIN + 11.5}">${text}</text>`,
  );
  const note = `<text class="dim" x="${MARGIN}" y="${MARGIN + LEGEND}">rows: from · columns: to</text>`;
  return [...swatches, note].join('\n');
}

function label(endpoint: ReachEndpoint): string {
  const { namespace, kind } = endpoint;
  return namespace === undefined || kind === 'namespace' ? endpoint.name : `${namespace}/${shortName(endpoint)}`;
}

/** The namespace in a fainter colour, so that the names stand out. */
function labelText(endpoint: ReachEndpoint): string {
  const { namespace, kind } = endpoint;
  if (namespace === undefined || kind === 'namespace') return escapeXml(endpoint.name);
  return `<tspan class="dim">${escapeXml(namespace)}/</tspan>${escapeXml(shortName(endpoint))}`;
}

function rowLabel(row: ReachEndpoint, y: number, { left, top }: Layout): string {
  return `<text x="${round(left - 8)}" y="${round(top + y * CELL.height + 16)}" text-anchor="end">${labelText(row)}</text>`;
}

function columnLabel(column: ReachEndpoint, x: number, { left, top }: Layout): string {
  const [at, y] = [round(left + (x + 0.5) * CELL.width), round(top - 8)];
  return `<text x="${at}" y="${y}" transform="rotate(-45 ${at} ${y})">${labelText(column)}</text>`;
}

function cell(
  from: ReachEndpoint,
  to: ReachEndpoint,
  connection: ReachConnection | undefined,
  x: number,
  y: number,
  { left, top }: Layout,
): string {
  const [px, py] = [round(left + x * CELL.width), round(top + y * CELL.height)];
  const text = connection === undefined ? 'nothing' : connectionText(connection);
  const title = `<title>${escapeXml(`${from.name} → ${to.name}: ${text}`)}</title>`;
  const style = connection === undefined ? (from.name === to.name ? 'self' : 'none') : styleOf(connection);
  const box = `<rect class="${style} grid" x="${px}" y="${py}" width="${CELL.width}" height="${CELL.height}"/>`;
  if (connection === undefined) return `<g>${title}${box}</g>`;
  const short = `<text class="cell" x="${px + CELL.width / 2}" y="${py + 16}">${escapeXml(shortPorts(connection))}</text>`;
  return `<g>${title}${box}${short}</g>`;
}

function styleOf(connection: ReachConnection): string {
  if (connection.exempt !== undefined) return 'exempt';
  return portsText(connection.ports) === 'all traffic' ? 'all' : 'some';
}

/** What fits into a cell: a port or two, else the protocols. An asterisk says that only some of those shown as one have them. */
function shortPorts({ ports, partial }: ReachConnection): string {
  const mark = partial === true ? '*' : '';
  const whole = portsText(ports);
  if (whole === 'all traffic') return `all${mark}`;
  const plain = whole.replaceAll(/^TCP (?=\d)/gu, '').replaceAll(' ', '');
  if (plain.length + mark.length <= 8) return plain + mark;
  const protocols = [...new Set(ports.map(({ protocol }) => protocol))].join(',');
  return `${protocols.length <= 8 ? protocols : 'several'}${mark}`;
}

/** A line around everything and between namespaces. */
function frames(rows: readonly ReachEndpoint[], columns: readonly ReachEndpoint[], layout: Layout): string {
  const { left, top } = layout;
  const [right, bottom] = [round(left + columns.length * CELL.width), round(top + rows.length * CELL.height)];
  const [x0, y0] = [round(left), round(top)];
  const lines: string[] = [];
  for (const index of borders(rows)) {
    const y = round(top + index * CELL.height);
    lines.push(`<path class="frame" d="M${x0} ${y}H${right}"/>`);
  }
  for (const index of borders(columns)) {
    const x = round(left + index * CELL.width);
    lines.push(`<path class="frame" d="M${x} ${y0}V${bottom}"/>`);
  }
  return lines.join('\n');
}

/** Indices at which another namespace begins, both ends included. */
function borders(list: readonly ReachEndpoint[]): number[] {
  const inner = list.flatMap((each, index) =>
    index > 0 && groupOf(each) !== groupOf(list[index - 1]!) ? [index] : [],
  );
  return list.length === 0 ? [] : [0, ...inner, list.length];
}

function groupOf({ namespace, kind }: ReachEndpoint): string {
  return namespace === undefined || kind === 'namespace' ? ` ${kind}` : namespace;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
