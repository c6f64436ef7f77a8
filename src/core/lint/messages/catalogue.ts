import type { Direction, Language } from '../../policy/index.ts';
import { en } from './en.ts';
import { zhCn } from './zh-cn.ts';
import { zhTw } from './zh-tw.ts';

/**
 * Everything that rules say, by language. What comes from the API server's own checks and from the parser is English
 * everywhere, as kubectl prints it. Names of fields, kinds and labels stay as they are.
 */
export interface LintMessages {
  readonly severity: Readonly<Record<'note' | 'warning' | 'error', string>>;
  /** The whole of a finding: what is wrong and, if that is known, what was probably meant. */
  readonly didYouMean: (message: string, suggestion: string) => string;
  /** `one, two and 3 more`. */
  readonly listed: (names: readonly string[], more: number) => string;
  /** How many there are of each severity, in how many objects and files. */
  readonly total: (
    counts: Readonly<Record<'error' | 'warning' | 'note', number>>,
    objects: number,
    files: number,
  ) => string;
  /** What rules find, by rule id; English is in the rules themselves. */
  readonly summaries: Readonly<Record<string, string>>;

  readonly andForOr: (side: string, pods: string, namespaces: string) => string;
  readonly twoItems: () => string;
  readonly orForAnd: (side: string, namespaces: string, pods: string) => string;
  readonly oneItem: () => string;
  readonly blockOfServices: (block: string, service: string) => string;
  readonly selectorForService: () => string;
  readonly blockOfOnePod: (address: string, owner: string) => string;
  readonly aPodSelector: () => string;
  readonly emptyBlock: (block: string) => string;
  readonly hostBits: (written: string, block: string, prefix: number) => string;
  readonly oneFamily: (block: string, family: number, other: number) => string;
  readonly secondBlock: (block: string) => string;
  readonly contradiction: (a: string, b: string) => string;
  readonly duplicateObject: (kind: string, name: string, place: string) => string;
  readonly dnsMisplaced: () => string;
  readonly dnsSelector: () => string;
  readonly dnsByTcp: () => string;
  readonly dnsForgotten: () => string;
  readonly dnsRule: () => string;
  readonly emptyList: (field: string) => string;
  readonly ruleOrNoField: (field: string) => string;
  readonly halfOpen: (direction: Direction, other: Direction, policies: string) => string;
  readonly ingressService: (ingress: string, service: string, namespace: string, elsewhere: string) => string;
  readonly ingressPort: (service: string, port: string, known: string) => string;
  readonly routeService: (route: string, service: string, namespace: string, elsewhere: string) => string;
  readonly noGateway: (route: string, gateway: string, namespace: string, elsewhere: string) => string;
  readonly noListener: (gateway: string, wanted: string, known: string) => string;
  readonly listenersClosed: (gateway: string, namespace: string) => string;
  readonly otherHostnames: (gateway: string, known: string) => string;
  readonly notGranted: (what: string, source: string) => string;
  readonly aGrant: (namespace: string, from: string, to: string) => string;
  readonly portLeadingTo: (port: number, target: string) => string;
  readonly namedPort: (who: string, protocol: string, name: string) => string;
  readonly namedPortProtocol: (name: string, who: string, actual: string, wanted: string) => string;
  readonly namespaceLabelOnPods: (label: string) => string;
  readonly namespaceNameLabel: (key: string, label: string) => string;
  readonly noNamespace: (selector: string) => string;
  readonly orderTie: (rival: string, field: string, order: string | undefined) => string;
  readonly overlappingPools: (cidr: string, rival: string) => string;
  readonly oneNamespace: (name: string) => string;
  readonly manyNamespaces: (count: number) => string;
  readonly peerOnHost: (selector: string, where: string) => string;
  readonly noPeer: (where: string, selector: string) => string;
  readonly peerElsewhere: (where: string, selector: string, elsewhere: string, ownOnly: boolean) => string;
  readonly selectorInSameItem: (namespace: string) => string;
  readonly subjectOnHost: (selector: string, namespace: string) => string;
  readonly noSubject: (namespace: string, selector: string) => string;
  readonly noClusterSubject: (namespaces: number, selector: string) => string;
  readonly typeMissing: (field: string, type: string, direction: Direction) => string;
  readonly eitherOr: (a: string, b: string) => string;
  readonly redundantPolicy: (cover: string) => string;
  readonly redundantRule: (cover: string) => string;
  readonly servicePort: (port: number, service: string, target: string) => string;
  readonly serviceWithoutPods: (namespace: string, selector: string) => string;
  readonly targetPort: (who: string, protocol: string, name: string) => string;
  readonly shadowed: (cover: string, sameOutcome: boolean, action: string) => string;
  readonly ruleOf: (rule: string, policy: string) => string;
  readonly closedByDefault: (direction: Direction) => string;
  readonly closedByType: (direction: Direction) => string;
  readonly unknownNamespace: (name: string) => string;
  readonly unknownTier: (tier: string) => string;
  readonly unreachableService: (protocol: string, port: number, policies: string, target: string) => string;
  readonly unreachableBackend: (service: string, policies: string) => string;
  readonly deprecated: (version: string, kind: string, release: string) => string;
  readonly neverServed: (version: string, kind: string) => string;
  readonly otherFields: (version: string) => string;
  readonly helmTemplate: () => string;
  readonly insteadOf: (meant: string, written: string) => string;
  readonly unknownField: (path: string) => string;
  readonly withoutQuotes: (value: string) => string;
  readonly unknownRule: (id: string) => string;
}

/** The messages of a language. */
export function messagesIn(language: Language): LintMessages {
  return { en, 'zh-CN': zhCn, 'zh-TW': zhTw }[language];
}
