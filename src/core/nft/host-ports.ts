import type { Family } from '../../base/ip/index.ts';
import { RTN_LOCAL } from './model.ts';
import type { Chain, Operand, Rule, SetSpec, Statement } from './model.ts';
import { SETS } from './names.ts';
import { destination, isFamily, verdict } from './statements.ts';

/** The chain that leads ports of the node to those of its pods. */
const HOST_PORTS = 'host-ports';

/** A client on the loopback address cannot be answered by a pod, so ports of the node are not offered there. */
export const notLoopback = (family: Family): Statement =>
  family === 4
    ? { kind: 'address', field: 'ip daddr', op: '!=', address: '7f000000', prefix: 8 }
    : { kind: 'address', field: 'ip6 daddr', op: '!=', address: '1'.padStart(32, '0') };

/** Behind Services in a chain of translation: whatever is for the node itself is looked up among its pods' host ports. */
export const toHostPort: Rule = [
  { kind: 'compare', field: 'fib daddr type', op: '==', value: RTN_LOCAL },
  verdict(`jump ${HOST_PORTS}`),
];

/** One look at the ports of single addresses, one at those of any. The client stays who it is. */
export function hostPortChain(families: readonly Family[]): Chain {
  return {
    name: HOST_PORTS,
    rules: families.flatMap((family): Rule[] => {
      const port = ['meta l4proto', 'th dport'] as const;
      const lookUp = (key: readonly Operand[], map: string): Rule => [
        isFamily(family),
        notLoopback(family),
        { kind: 'dnat-map', family, key, map },
      ];
      return [lookUp([destination(family), ...port], SETS.hostPortsAt(family)), lookUp(port, SETS.hostPorts(family))];
    }),
  };
}

/** The maps that it reads. */
export function hostPortSets(family: Family): readonly SetSpec[] {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const data = [address, 'inet_service'] as const;
  return [
    { name: SETS.hostPortsAt(family), key: [address, 'inet_proto', 'inet_service'], data },
    { name: SETS.hostPorts(family), key: ['inet_proto', 'inet_service'], data },
  ];
}
