import type { PeerCompiler } from './compile-peers.ts';
import { icmpMatches, peersMatch, portMatches } from './match.ts';
import type { JudgedFlow } from './match.ts';
import type { Condition } from './model.ts';

/** A condition of a rule, ready to be asked. */
export type FlowTest = (judged: JudgedFlow) => boolean;

/** The condition as a test; what it chooses by label and address is looked up once, now. */
export function compileCondition(condition: Condition, peers: PeerCompiler): FlowTest {
  switch (condition.kind) {
    case 'family':
      return ({ family }) => family === condition.family;
    case 'protocol':
      return ({ protocol }) => (protocol === condition.protocol) !== condition.negate;
    case 'icmp':
      return (judged) => icmpMatches(condition, judged) === !condition.negate;
    case 'peer': {
      const { side, negate } = condition;
      const compiled = peers.compile(condition.peers, side);
      return (judged) => peersMatch(compiled, side, judged) !== negate;
    }
    case 'port': {
      const { side, ports, negate } = condition;
      return ({ flow, hostPorts }) => ports.some((match) => portMatches(match, flow, side, hostPorts)) !== negate;
    }
  }
}
