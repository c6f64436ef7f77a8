import { formatIp } from '../../base/ip/index.ts';
import { formatRequirement } from '../kube/labels.ts';
import type { Labels, Requirement } from '../kube/labels.ts';
import { DIRECTIONS } from './flow.ts';
import type { DirectionVerdict, Flow, Party, Verdict } from './flow.ts';
import { namedPortsOf } from './match.ts';
import type { Language, Messages } from './messages/catalogue.ts';
import { en } from './messages/en.ts';
import { zhCn } from './messages/zh-cn.ts';
import { zhTw } from './messages/zh-tw.ts';
import type { Direction, Policy, PortMatch, Rule, SourceRef } from './model.ts';
import type { NearMiss, PeerMiss, PortMiss } from './near-miss.ts';

const CATALOGUES: Readonly<Record<Language, Messages>> = { en, 'zh-CN': zhCn, 'zh-TW': zhTw };

/** One line of an explanation; `depth` is its indentation level. */
export interface ExplanationLine {
  readonly depth: 0 | 1 | 2 | 3;
  readonly text: string;
}

/** Why a flow is allowed or denied, line by line; `misses` come from `nearestMisses`. */
export function explain(
  verdict: Verdict,
  misses: readonly NearMiss[] = [],
  language: Language = 'en',
): ExplanationLine[] {
  const say = CATALOGUES[language];
  const { flow } = verdict;
  const headline = say.headline(verdict.allowed, describe(flow.source), describe(flow.destination), portText(flow));
  const lines: ExplanationLine[] = [{ depth: 0, text: headline }];
  if (verdict.exempt !== undefined) return [...lines, { depth: 1, text: exemptText(verdict, say) }];
  for (const direction of DIRECTIONS) {
    lines.push({ depth: 1, text: sideText(verdict[direction], direction, flow, say) });
    if (verdict[direction].kind === 'default')
      lines.push(...missLines(verdict[direction], direction, misses, flow, say));
  }
  return lines;
}

/** The lines as text, two spaces of indentation for each level. */
export function formatExplanation(lines: readonly ExplanationLine[]): string {
  return lines.map(({ depth, text }) => `${'  '.repeat(depth)}${text}`).join('\n');
}

/** A party's name: `namespace/pod`, `node/name`, or the address. */
export function describe(party: Party): string {
  switch (party.kind) {
    case 'pod':
      return party.pod.key;
    case 'node':
      return `node/${party.node.name}`;
    case 'outside':
      return formatIp(party.ip);
  }
}

/** Where a policy or rule stands: kind, namespace and name, with the file position if there is one. */
export function formatSource(source: SourceRef): string {
  const object = [source.kind, [source.namespace, source.name].filter((each) => each !== undefined).join('/')].join(
    ' ',
  );
  return object + position(source);
}

function position({ file, line, column }: SourceRef): string {
  return file === undefined ? '' : ` (${[file, line, column].filter((each) => each !== undefined).join(':')})`;
}

function exemptText({ exempt, flow }: Verdict, say: Messages): string {
  if (exempt === 'self') return say.self(describe(flow.source));
  const [pod, node] = flow.source.kind === 'pod' ? [flow.source, flow.destination] : [flow.destination, flow.source];
  return say.ownNode(describe(pod), describe(node));
}

function sideText(side: DirectionVerdict, direction: Direction, flow: Flow, say: Messages): string {
  const subject = describe(direction === 'egress' ? flow.source : flow.destination);
  switch (side.kind) {
    case 'no-pod':
      return say.noPod(direction, subject);
    case 'profile':
    case 'host-default':
    case 'failsafe':
    case 'endpoint-to-host':
    case 'unselected':
      return say.unselected(direction, subject);
    case 'rule': {
      const [policy, rule] = [policyText(side.policy), ruleText(side.rule)];
      return side.allowed
        ? say.ruleAllows(direction, subject, policy, rule)
        : say.ruleDenies(direction, subject, policy, rule);
    }
    case 'default':
      return say.nothingAllows(direction, subject, side.policies.map((each) => formatSource(each.source)).join(', '));
  }
}

function missLines(
  side: DirectionVerdict,
  direction: Direction,
  misses: readonly NearMiss[],
  flow: Flow,
  say: Messages,
): ExplanationLine[] {
  if (side.kind === 'default' && side.policies.every((policy) => policy[direction].length === 0))
    return [{ depth: 2, text: say.noRules() }];
  const own = misses.filter((miss) => miss.direction === direction);
  return own.flatMap((miss) => [
    { depth: 2, text: say.closest(policyText(miss.policy), ruleText(miss.rule)) } as const,
    { depth: 3, text: reasonText(miss, flow, say) } as const,
  ]);
}

function reasonText(miss: NearMiss, flow: Flow, say: Messages): string {
  const other = miss.direction === 'ingress' ? flow.source : flow.destination;
  const peer = miss.peer === undefined ? say.peerFits() : peerText(miss.peer, other, say);
  const port = miss.port === undefined ? say.portFits() : portMissText(miss.port, flow, say);
  return say.joined([peer, port]);
}

function peerText(miss: PeerMiss, other: Party, say: Messages): string {
  const party = describe(other);
  switch (miss.kind) {
    case 'other-namespace':
      return say.otherNamespace(miss.wanted, miss.actual);
    case 'namespace-labels':
      return say.namespaceLabels(
        miss.namespace.name,
        requirements(miss.unmet),
        labelText(miss.namespace.labels, say),
        miss.podFits,
      );
    case 'pod-labels':
      return say.podLabels(party, requirements(miss.unmet), labelText(miss.labels, say));
    case 'not-a-pod':
      return say.notAPod(party, miss.party === 'node');
    case 'excepted':
      return say.excepted(formatIp(miss.ip), miss.peer.key);
    case 'outside-block':
      return say.outsideBlock(miss.ip === undefined ? say.unknownAddress() : formatIp(miss.ip), miss.peer.key);
    case 'other-peer':
      return say.otherPeer(party);
  }
}

function portMissText(miss: PortMiss, flow: Flow, say: Messages): string {
  switch (miss.kind) {
    case 'no-ports-in-protocol':
      return say.noPortsInProtocol(flow.protocol);
    case 'protocol':
      return say.otherProtocol(wantedText(miss.wanted, flow), portText(flow));
    case 'name-unknown':
      return say.nameUnknown(describe(flow.destination), miss.match.name, miss.match.protocol);
    case 'port':
      return say.otherPort(wantedText(miss.wanted, flow), portText(flow));
  }
}

function wantedText(wanted: readonly PortMatch[], flow: Flow): string {
  return wanted.map((match) => portMatchText(match, flow)).join(', ');
}

/** A named port with the numbers that it means at this destination. */
function portMatchText(match: PortMatch, flow: Flow): string {
  switch (match.kind) {
    case 'all':
      return match.protocol;
    case 'named': {
      const numbers = namedPortsOf(flow.destination, match);
      return `${match.protocol} ${match.name}${numbers.length === 0 ? '' : ` (${numbers.join(', ')})`}`;
    }
    case 'range':
      return `${match.protocol} ${match.first === match.last ? match.first : `${match.first}-${match.last}`}`;
  }
}

function portText({ protocol, port }: Flow): string {
  return port === undefined ? protocol : `${protocol} ${port}`;
}

function policyText(policy: Policy): string {
  const { kind, namespace, name } = policy.source;
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function ruleText(rule: Rule): string {
  return rule.source.path + position(rule.source);
}

function requirements(unmet: readonly Requirement[]): string {
  return unmet.map(formatRequirement).join(', ');
}

function labelText(labels: Labels, say: Messages): string {
  const entries = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return entries.length === 0 ? say.noLabels() : entries.sort().join(', ');
}
