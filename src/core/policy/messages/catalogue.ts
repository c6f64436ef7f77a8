import type { Direction } from '../model.ts';

/** Languages that explanations are written in, by their BCP 47 tags. */
export type Language = 'en' | 'zh-CN' | 'zh-TW';

/** Every sentence of an explanation. Arguments are names, selectors and numbers, already formatted; never sentences. */
export interface Messages {
  headline(allowed: boolean, source: string, destination: string, port: string): string;
  self(pod: string): string;
  ownNode(pod: string, node: string): string;
  noPod(direction: Direction, party: string): string;
  unselected(direction: Direction, pod: string): string;
  ruleAllows(direction: Direction, pod: string, policy: string, rule: string): string;
  ruleDenies(direction: Direction, pod: string, policy: string, rule: string): string;
  /** `policies` select the pod and none of their rules matched. */
  nothingAllows(direction: Direction, pod: string, policies: string): string;
  /** The policies that select the pod have no rule at all. */
  noRules(): string;
  closest(policy: string, rule: string): string;
  peerFits(): string;
  portFits(): string;
  otherNamespace(wanted: string, actual: string): string;
  namespaceLabels(namespace: string, unmet: string, labels: string, podFits: boolean): string;
  podLabels(pod: string, unmet: string, labels: string): string;
  notAPod(party: string, isNode: boolean): string;
  excepted(address: string, block: string): string;
  outsideBlock(address: string, block: string): string;
  otherPeer(party: string): string;
  noPortsInProtocol(protocol: string): string;
  otherProtocol(wanted: string, actual: string): string;
  nameUnknown(destination: string, name: string, protocol: string): string;
  otherPort(wanted: string, actual: string): string;
  unknownAddress(): string;
  noLabels(): string;
  joined(parts: readonly string[]): string;
}
