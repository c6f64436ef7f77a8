import type { PortRecord, ReachConnection } from './graph.ts';

/** What a connection allows, for people: `TCP 80, 8080-8090; UDP; ICMP`. Its remarks are in brackets. */
export function connectionText({ ports, partial, exempt }: ReachConnection): string {
  const remarks = [...(partial === true ? ['some of them'] : []), ...(exempt === undefined ? [] : ['own node'])];
  return `${portsText(ports)}${remarks.length === 0 ? '' : ` (${remarks.join(', ')})`}`;
}

/** A list of ports for people; every protocol with all it has is `all traffic`. */
export function portsText(ports: readonly PortRecord[]): string {
  const shared = ports.filter(({ family }) => family === undefined);
  const parts = [
    familyText(shared),
    ...(['IPv4', 'IPv6'] as const).map((family) => {
      const text = familyText(ports.filter((each) => each.family === family));
      return text === '' ? '' : `${text} (${family} only)`;
    }),
  ];
  return parts.filter((each) => each !== '').join('; ');
}

function familyText(ports: readonly PortRecord[]): string {
  const protocols = [...new Set(ports.map(({ protocol }) => protocol))];
  const whole = protocols.filter((protocol) => ports.some((each) => each.protocol === protocol && isWhole(each)));
  if (whole.length === 5) return 'all traffic';
  const missing = whole.length >= 3 && protocols.length === 5 ? gaps(ports) : [];
  if (missing.length > 0 && missing.length <= MOST_GAPS) return `all traffic but ${familyText(missing)}`;
  return protocols
    .map((protocol) => {
      const own = ports.filter((each) => each.protocol === protocol);
      const name = protocol === 'other' ? 'other protocols' : protocol;
      return whole.includes(protocol) ? name : `${name} ${own.map(entryText).join(', ')}`;
    })
    .join('; ');
}

/** More exceptions than this read no better than what is left. */
const MOST_GAPS = 6;

/** The ports that are not there; nothing when something else than ports is missing. */
function gaps(ports: readonly PortRecord[]): readonly PortRecord[] {
  if (!ports.some((each) => each.protocol === 'ICMP' && isWhole(each))) return [];
  if (!ports.some((each) => each.protocol === 'other' && isWhole(each))) return [];
  return (['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) => {
    const own = ports.flatMap((each) => (each.protocol === protocol ? [each] : []));
    const edges = [{ from: 0, to: 0 }, ...own, { from: 65_536, to: 65_536 }];
    return edges.slice(1).flatMap((next, index) => {
      const [from, to] = [edges[index]!.to + 1, next.from - 1];
      return from > to ? [] : [{ protocol, from, to }];
    });
  });
}

function isWhole(port: PortRecord): boolean {
  if (port.protocol === 'ICMP') return port.type === undefined;
  return port.protocol === 'other' ? port.from === 0 && port.to === 255 : port.from === 1 && port.to === 65_535;
}

function entryText(port: PortRecord): string {
  if (port.protocol !== 'ICMP') return port.from === port.to ? String(port.from) : `${port.from}-${port.to}`;
  return `type ${port.type}${port.code === undefined ? '' : ` code ${port.code}`}`;
}
