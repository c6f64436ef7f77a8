import { SluiceError } from '../../base/errors.ts';
import type { FlowProtocol, PortProtocol } from '../../core/policy/index.ts';
import { ALL_ICMP, portRange, union } from '../../core/reach/index.ts';
import type { PortSet } from '../../core/reach/index.ts';
import type { OptionSpec, Values } from '../command.ts';

/** `--port` and `--protocol` of commands that narrow to some traffic. */
export const PORT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-p, --port <port>',
    description: 'only this destination port, or range such as 80-90; may be repeated',
    repeatable: true,
  },
  {
    flags: '--protocol <protocol>',
    description: 'only this protocol; TCP when there is a port',
    choices: ['tcp', 'udp', 'sctp', 'icmp'],
  },
];

/** The traffic that the two options ask for; undefined when neither is given. Throws `bad-question`. */
export function portsOf(values: Values): PortSet | undefined {
  const texts = values['port'] as readonly string[] | undefined;
  const protocol = (values['protocol'] as string | undefined)?.toUpperCase() as FlowProtocol | undefined;
  if (texts === undefined && protocol === undefined) return undefined;
  if (protocol === 'ICMP') {
    if (texts !== undefined) throw wrong('--port: ICMP has no ports; leave it out');
    return ALL_ICMP;
  }
  const own = (protocol ?? 'TCP') as PortProtocol;
  if (texts === undefined) return portRange(own);
  return texts.map((text) => readRange(text, own)).reduce(union);
}

function readRange(text: string, protocol: PortProtocol): PortSet {
  const match = /^(\d+)(?:-(\d+))?$/u.exec(text);
  if (match === null) throw wrong(`--port ${text}: must be a number, or a range such as 80-90`);
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  if (first < 1 || last > 65_535) throw wrong(`--port ${text}: ports are from 1 to 65535`);
  if (last < first) throw wrong(`--port ${text}: ends before it begins`);
  return portRange(protocol, first, last);
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
