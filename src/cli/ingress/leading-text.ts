import { hostText } from '../../core/ingress/index.ts';
import type { Way } from '../../core/ingress/index.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';

/** By what requests come to a Service. */
export interface Leading {
  readonly kind: 'Ingress' | 'HTTPRoute';
  /** `namespace/name`. */
  readonly key: string;
  /** `namespace/name` of the Gateways where an HTTPRoute has these requests. */
  readonly gateways: readonly string[];
  readonly way: Pick<Way, 'host' | 'path' | 'canary'>;
  readonly allowed: boolean;
  /** Why no pod is asked. */
  readonly problem?: string;
}

interface Words {
  line(by: string, requests: string, verdict: string, follow: string): string;
  ofGateway(route: string, gateways: string): string;
  readonly anyHost: string;
  readonly allPaths: string;
  exactly(path: string): string;
  below(path: string): string;
  like(expression: string): string;
  part(requests: string): string;
  readonly comma: string;
  readonly allowed: string;
  readonly denied: string;
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    line: (by, requests, verdict, follow) => `by ${by} (${requests}): ${verdict}; '${follow}' follows it`,
    ofGateway: (route, gateways) => `${route} of Gateway ${gateways}`,
    anyHost: 'any host',
    allPaths: 'all paths',
    exactly: (path) => `${path} exactly`,
    below: (path) => `${path} and below`,
    like: (expression) => `paths like ${expression}`,
    part: (requests) => `a part of ${requests}`,
    comma: ', ',
    allowed: 'allowed',
    denied: 'denied',
  },
  'zh-CN': {
    line: (by, requests, verdict, follow) => `经由 ${by}（${requests}）：${verdict}；用 '${follow}' 跟踪`,
    ofGateway: (route, gateways) => `Gateway ${gateways} 的 ${route}`,
    anyHost: '任意主机',
    allPaths: '所有路径',
    exactly: (path) => `仅 ${path}`,
    below: (path) => `${path} 及其下`,
    like: (expression) => `形如 ${expression} 的路径`,
    part: (requests) => `${requests} 的一部分`,
    comma: '，',
    allowed: '允许',
    denied: '拒绝',
  },
  'zh-TW': {
    line: (by, requests, verdict, follow) => `經由 ${by}（${requests}）：${verdict}；用 '${follow}' 追蹤`,
    ofGateway: (route, gateways) => `Gateway ${gateways} 的 ${route}`,
    anyHost: '任意主機',
    allPaths: '所有路徑',
    exactly: (path) => `僅 ${path}`,
    below: (path) => `${path} 及其下`,
    like: (expression) => `形如 ${expression} 的路徑`,
    part: (requests) => `${requests} 的一部分`,
    comma: '，',
    allowed: '允許',
    denied: '拒絕',
  },
};

/** One line for what leads to a Service; why it is not served stays as the proxy says it. */
export function leadingText({ kind, key, gateways, way, allowed, problem }: Leading, language: Language): string {
  const words = WORDS[language];
  const name = `${kind} ${key}`;
  const by = gateways.length === 0 ? name : words.ofGateway(name, gateways.join(words.comma));
  const verdict = allowed ? words.allowed : (problem ?? words.denied);
  const target = key.replace('/', `/${kind.toLowerCase()}/`);
  return words.line(by, requests(way, words), verdict, `sluice why ... ${target}`);
}

/** The requests of a way: `shop.example.test, /api and below`. */
export function requestsText(way: Leading['way']): string {
  return requests(way, WORDS.en);
}

function requests({ host, path, canary }: Leading['way'], words: Words): string {
  const text = [host.kind === 'any' ? words.anyHost : hostText(host), paths(path, words)].join(words.comma);
  return canary ? words.part(text) : text;
}

function paths({ kind, value }: Way['path'], words: Words): string {
  switch (kind) {
    case 'exact':
      return words.exactly(value);
    case 'prefix':
      return value === '' ? words.allPaths : words.below(value);
    case 'regex':
      return words.like(value);
  }
}
