import { formatIp } from '../../base/ip/index.ts';
import { formatRequirement, formatSelector } from '../kube/labels.ts';
import type { Labels, Requirement, Selector } from '../kube/labels.ts';
import { DIRECTIONS, flowAt } from './flow.ts';
import type { DirectionVerdict, Flow, Party, Verdict } from './flow.ts';
import { namedPortsOf } from './match.ts';
import type { Language, Messages } from './messages/catalogue.ts';
import { en } from './messages/en.ts';
import { zhCn } from './messages/zh-cn.ts';
import { zhTw } from './messages/zh-tw.ts';
import type { Condition, Direction, Policy, PortMatch, Rule, SourceRef } from './model.ts';
import type { NearMiss, PeerMiss, PortMiss } from './near-miss.ts';

const CATALOGUES: Readonly<Record<Language, Messages>> = { en, 'zh-CN': zhCn, 'zh-TW': zhTw };

/** One line of an explanation; `depth` is its indentation level. */
export interface ExplanationLine {
  readonly depth: 0 | 1 | 2 | 3;
  readonly text: string;
}

/** What the headline calls the ends and the port, when the flow stands for more than itself. */
export interface Headline {
  readonly source: string;
  readonly destination: string;
  /** With the protocol. */
  readonly port: string;
}

/** Why a flow is allowed or denied, line by line; `misses` come from `nearestMisses`. */
export function explain(
  verdict: Verdict,
  misses: readonly NearMiss[] = [],
  language: Language = 'en',
  headlineOf: (flow: Flow) => Headline = plainHeadline,
): ExplanationLine[] {
  const say = CATALOGUES[language];
  const { flow } = verdict;
  const { source, destination, port } = headlineOf(flow);
  const headline = say.headline(verdict.allowed, source, destination, port);
  const lines: ExplanationLine[] = [{ depth: 0, text: headline }];
  if (verdict.exempt !== undefined) return [...lines, { depth: 1, text: exemptText(verdict, say) }];
  for (const direction of DIRECTIONS) {
    const side = verdict[direction];
    lines.push({ depth: 1, text: sideText(side, direction, flow, say) });
    if (direction === 'ingress') lines.push(...arrivalLines(verdict, say));
    lines.push(...contextLines(side, say));
    if (side.kind === 'default') lines.push(...missLines(side, direction, misses, flowAt(verdict, direction), say));
  }
  return lines;
}

function plainHeadline(flow: Flow): Headline {
  return { source: describe(flow.source), destination: describe(flow.destination), port: portText(flow) };
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
    case 'unselected':
      return side.passes.length === 0 ? say.unselected(direction, subject) : say.nothingDecides(direction, subject);
    case 'profile':
      return say.profileDecides(direction, subject, side.allowed, side.profile, ruleText(side.rule));
    case 'host-default':
      return say.hostDefault(direction, subject, side.endpoint.name);
    case 'failsafe':
      return say.failsafe(direction, subject, `${side.port.protocol} ${side.port.port}`);
    case 'endpoint-to-host':
      return say.endpointToHost(subject, describe(flow.destination));
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

/** Who the destination takes the source for, and why; nothing where it makes no difference. */
function arrivalLines({ flow: { source }, arrivesAs, ingress }: Verdict, say: Messages): ExplanationLine[] {
  if (arrivesAs === undefined || source.kind === 'node' || ingress.kind === 'no-pod') return [];
  const node = describe(arrivesAs);
  const text = source.kind === 'pod' ? say.arrivesAs(describe(source), node) : say.entersBy(node);
  return [{ depth: 2, text }];
}

/** Where else the flow was judged before: the tiers that passed it on, and the host endpoint. */
function contextLines({ passes, host }: DirectionVerdict, say: Messages): ExplanationLine[] {
  const texts = passes.map(({ tier, policy, rule }) =>
    policy === undefined || rule === undefined
      ? say.passedByTier(tier.name)
      : say.passedByRule(tier.name, policyText(policy), ruleText(rule)),
  );
  if (host !== undefined) texts.unshift(say.atHostEndpoint(host.name, `node/${host.node}`));
  return texts.map((text) => ({ depth: 2, text }));
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
  return say.joined([peer, port, ...miss.conditions.map((each) => conditionText(each, flow, say))]);
}

function conditionText(condition: Condition, flow: Flow, say: Messages): string {
  switch (condition.kind) {
    case 'family':
      return say.otherFamily(`IPv${condition.family}`);
    case 'protocol':
      return say.otherKind(protocolText(condition.protocol), condition.negate, flow.protocol);
    case 'icmp': {
      const { type, code, negate } = condition;
      const actual = flow.icmp === undefined ? flow.protocol : `ICMP ${flow.icmp.type}/${flow.icmp.code}`;
      return say.otherKind(`ICMP ${type}${code === undefined ? '' : `/${code}`}`, negate, actual);
    }
    case 'peer':
      return say.otherEnd(describe(flow[condition.side]), condition.side, condition.negate);
    case 'port': {
      const { side, ports, negate } = condition;
      const actual = side === 'source' ? flow.sourcePort : flow.port;
      return say.otherEndPort(side, wantedText(ports, flow), negate, actual?.toString() ?? say.unknownPort());
    }
  }
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6', 132: 'SCTP' };

function protocolText(number: number): string {
  return PROTOCOL_NAMES[number] ?? `protocol ${number}`;
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
      return say.podLabels(
        party,
        wantedLabels(miss.peer.pods, miss.unmet),
        labelText(ownLabels(other, miss.labels), say),
      );
    case 'not-a-pod':
      return say.notAPod(party, miss.party === 'node');
    case 'excepted':
      return say.excepted(formatIp(miss.ip), miss.peer.key);
    case 'outside-block':
      return say.outsideBlock(miss.ip === undefined ? say.unknownAddress() : formatIp(miss.ip), miss.peer.key);
    case 'labels':
      return say.otherLabels(party, wantedLabels(miss.selector, miss.unmet), labelText(miss.labels, say));
    case 'unlabelled':
      return say.unlabelled(party, formatSelector(miss.peer.selector));
    case 'not-a-node':
      return say.notANode(party);
    case 'not-served':
      return say.notServed(party, miss.peer.key);
    case 'not-resolved':
      return say.notResolved(party, miss.peer.pattern);
    case 'no-peers':
      return say.noPeers();
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
      const numbers = namedPortsOf(flow.destination, match, undefined);
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

function ruleText({ source, name }: Rule): string {
  return source.path + (name === undefined ? '' : ` "${name}"`) + position(source);
}

function wantedLabels(selector: Selector, unmet: readonly Requirement[]): string {
  return unmet.length === 0 ? formatSelector(selector) : requirements(unmet);
}

/** A peer of Kubernetes' own APIs asks for the labels that the pod's author wrote. */
function ownLabels(party: Party, effective: Labels): Labels {
  return party.kind === 'pod' ? party.pod.labels : effective;
}

function requirements(unmet: readonly Requirement[]): string {
  return unmet.map(formatRequirement).join(', ');
}

function labelText(labels: Labels, say: Messages): string {
  const entries = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return entries.length === 0 ? say.noLabels() : entries.sort().join(', ');
}
