import { SluiceError } from '../../base/errors.ts';
import type { ServiceInfo } from '../../core/policy/cluster.ts';
import type { Judge } from '../judge.ts';
import type { Place } from '../place.ts';

/** Who may connect to one port of a Service under policy. */
export interface PortReach {
  readonly port: string;
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

/** Asks for every pod and for the outside whether it may reach each port of the Service, at every endpoint. */
export function whoMayReach(judge: Judge, service: ServiceInfo, to: Place): PortReach[] {
  const pods = [...judge.engine.state.pods.values()].filter(({ completed }) => !completed);
  const sources: readonly (readonly [string, Place])[] = [
    ...pods.map((pod) => [pod.key, { kind: 'pods', title: pod.key, pods: [pod] }] as const),
    ['outside', { kind: 'outside' }],
  ];
  return service.ports.map(({ protocol, port }) => {
    const [allowed, denied]: [string[], string[]] = [[], []];
    for (const [name, from] of sources) {
      const asked = { kind: 'range', first: port, last: port } as const;
      const may = mayReach(judge, { from, to, protocol, port: asked, family: undefined });
      if (may !== undefined) (may ? allowed : denied).push(name);
    }
    return { port: `${protocol}/${port}`, allowed: allowed.sort(), denied: denied.sort() };
  });
}

/** Undefined: the question makes no sense, as between places that share no address family. */
function mayReach(judge: Judge, question: Parameters<Judge['judge']>[0]): boolean | undefined {
  try {
    return judge.judge(question).allowed;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'bad-question') return undefined;
    throw error;
  }
}
