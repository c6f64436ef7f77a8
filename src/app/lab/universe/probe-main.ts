import { readFileSync } from 'node:fs';
import { parseIp } from '../../../base/ip/index.ts';
import type { ProbeAttempt, ProbeEndpoint } from '../../../host/probe/port.ts';
import { probe } from '../../../host/probe/probe.ts';

/** What the supervisor writes to this program's input; its output is a list of `LabAttemptResult`. */
export interface ProbeInput {
  readonly endpoints: readonly { readonly id: string; readonly netns: string; readonly addresses: readonly string[] }[];
  readonly attempts: readonly {
    readonly from: number;
    readonly to: number;
    readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
    readonly address: string;
    readonly port: number;
    readonly via?: { readonly address: string; readonly port: number };
    readonly expectSilence?: boolean;
  }[];
  readonly timeoutMs?: number;
}

/** Entry point: makes real connections between network namespaces of the universe. */
const { endpoints, attempts, timeoutMs } = JSON.parse(readFileSync(0, 'utf8')) as ProbeInput;

function ip(text: string): NonNullable<ReturnType<typeof parseIp>> {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`not an address: ${text}`);
  return parsed;
}

const places = endpoints.map(({ id, netns, addresses }): ProbeEndpoint => ({
  id,
  netns,
  addresses: addresses.map(ip),
}));
const place = (index: number): ProbeEndpoint => {
  const found = places[index];
  if (found === undefined) throw new RangeError(`no endpoint ${index}`);
  return found;
};
const results = await probe(
  attempts.map(({ from, to, address, via, ...rest }): ProbeAttempt => ({
    ...rest,
    from: place(from),
    to: place(to),
    address: ip(address),
    ...(via === undefined ? {} : { via: { address: ip(via.address), port: via.port } }),
  })),
  timeoutMs === undefined ? {} : { timeoutMs },
);
process.stdout.write(JSON.stringify(results.map(({ attempt: _attempt, ...result }) => result)));
