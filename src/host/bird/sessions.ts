import type { ReplyLine } from './reply.ts';

/** A BGP session as BIRD tells of it in `show protocols all`. */
export interface BirdSession {
  readonly name: string;
  /** `up` when routes are exchanged; `start` while it is being brought up. */
  readonly state: string;
  /** When it came to that state: local time, `YYYY-MM-DD hh:mm:ss`. */
  readonly since: string;
  /** BGP's own state (RFC 4271): Established, Connect, Passive …; with the reason where it failed. */
  readonly info: string;
  readonly peer: string;
  readonly peerAs: number;
  readonly localAs: number;
  readonly imported: number;
  readonly exported: number;
}

const HEAD = 1002;
const ROW = /^(\S+)\s+(\S+)\s+\S+\s+(\S+)\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\s*(.*)$/;

/** Reads the answer to `show protocols all`. Needs `timeformat protocol iso long`. */
export function readSessions(lines: readonly ReplyLine[]): readonly BirdSession[] {
  const starts = lines.flatMap(({ code }, index) => (code === HEAD ? [index] : []));
  return starts.flatMap((start, index) => {
    const [, name = '', protocol = '', state = '', since = '', info = ''] = ROW.exec(lines[start]?.text ?? '') ?? [];
    if (protocol !== 'BGP') return [];
    const details = lines.slice(start + 1, starts[index + 1]).map(({ text }) => text);
    const [imported, exported] = routeCounts(details);
    return [
      {
        name,
        state,
        since,
        info: info.trim() === '' ? field(details, 'BGP state') : info.trim().replace(/\s+/g, ' '),
        peer: field(details, 'Neighbor address').replace(/%.*$/, ''),
        peerAs: Number(field(details, 'Neighbor AS')),
        localAs: Number(field(details, 'Local AS')),
        imported,
        exported,
      },
    ];
  });
}

function field(details: readonly string[], name: string): string {
  const line = details.find((text) => text.trimStart().startsWith(`${name}:`)) ?? '';
  return line.slice(line.indexOf(':') + 1).trim();
}

/** Of all channels together; those that are down have none. */
function routeCounts(details: readonly string[]): readonly [number, number] {
  const counts = details
    .filter((text) => /^\s*Routes:/.test(text))
    .map((text) => [/(\d+) imported/, /(\d+) exported/].map((pattern) => Number(pattern.exec(text)?.[1] ?? 0)));
  const sum = (index: number): number => counts.reduce((total, each) => total + (each[index] ?? 0), 0);
  return [sum(0), sum(1)];
}
