import { quote } from './haproxy-text.ts';
import type { IngressModel } from './model.ts';
import { FILES } from './render-options.ts';
import type { Twins } from './twins.ts';
import type { Decision, DecisionList, RequestTest, VirtualHost } from './virtual-host.ts';

/** Expressions are tried on texts up to this length only: their cost grows with its square. */
export const MAX_REGEX_TEXT = 2048;

/** Kinds of hosts in the order in which they are looked for. */
export const HOST_KINDS = ['exact', 'wildcard', 'any'] as const;

/** How requests find their backend by virtual hosts. */
export interface VirtualHostRules {
  /** Map files by name. */
  readonly files: ReadonlyMap<string, string>;
  /** What is to be known before hosts are looked for. */
  readonly first: readonly string[];
  /** Looks for hosts of one kind, where nothing was found yet; `txn.port` says at which port. */
  lookup(kind: VirtualHost['host']['kind']): readonly string[];
  /** Tries the conditions that are too many for one line, once a list is found. */
  readonly conditions: readonly string[];
  /** Goes through the decisions of those lists that have conditions. */
  readonly decisions: readonly string[];
}

const NO_RULES: VirtualHostRules = { files: new Map(), first: [], lookup: () => [], conditions: [], decisions: [] };

/** Writes the lookups of virtual hosts; `nowhere` is the backend of a found host's requests that nothing takes. */
export function renderVirtualHosts(
  { virtualHosts = [] }: Pick<IngressModel, 'virtualHosts'>,
  folder: string,
  nowhere: string,
  twins: Twins['of'],
): VirtualHostRules {
  if (virtualHosts.length === 0) return NO_RULES;
  const names = new ListNames();
  const lines = { hosts: [] as string[], wildcards: [] as string[], exact: [] as string[], prefix: [] as string[] };
  const scopes = [...new Set(virtualHosts.map(({ scope }) => scope))];
  for (const [index, { port, host, scope, lists }] of byLength(virtualHosts).entries()) {
    const id = `s${scopes.indexOf(scope)}v${index}`;
    if (host.kind === 'wildcard') lines.wildcards.push(`.${host.parent}:${port} ${id}`);
    else lines.hosts.push(`${host.kind === 'any' ? '' : `${host.name}:`}${port} ${id}`);
    for (const { path, decisions } of lists) {
      const target = names.of(decisions);
      if (path.kind === 'exact') lines.exact.push(`${id}${path.value} ${target}`);
      else lines.prefix.push(`${id}${path.value}/ ${target}`);
    }
  }
  const files = [
    [FILES.virtualHosts, lines.hosts],
    [FILES.virtualWildcards, lines.wildcards],
    [FILES.virtualExact, lines.exact],
    [FILES.virtualPrefix, lines.prefix],
  ] as const;
  const kinds = new Set(virtualHosts.map(({ host }) => host.kind));
  return {
    files: new Map(files.map(([name, all]) => [name, all.map((line) => `${line}\n`).join('')])),
    first: [
      'http-request set-var(txn.sni) ssl_fc_sni,lower if { ssl_fc_has_sni }',
      ...HOST_KINDS.filter((kind) => kinds.has(kind)).map(
        (kind) =>
          `http-request set-var(txn.named) ${hostLookup(kind, 'txn.sni', folder)} if { var(txn.sni) -m found } !{ var(txn.named) -m found }`,
      ),
    ],
    lookup: (kind) => (kinds.has(kind) ? lookupLines(kind, folder, nowhere) : []),
    conditions: [...names.lists].flatMap(([name, decisions]) => conditionLines(name, decisions)),
    decisions: [...names.lists].flatMap(([name, decisions]) => decisionLines(name, decisions, nowhere, twins)),
  };
}

/** The longest wildcard is the first that is found, as HAProxy compares ends in the order of the file. */
function byLength(hosts: readonly VirtualHost[]): readonly VirtualHost[] {
  const length = ({ host }: VirtualHost): number => (host.kind === 'wildcard' ? host.parent.length : 0);
  return hosts.toSorted((a, b) => length(b) - length(a));
}

/** Lists that are equal are one; a list that asks nothing is its backend. */
class ListNames {
  readonly lists = new Map<string, readonly Decision[]>();
  readonly #known = new Map<string, string>();

  of(decisions: DecisionList['decisions']): string {
    const [first] = decisions;
    if (first !== undefined && isFinal(first)) return first.backend;
    const key = JSON.stringify(decisions);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = `match:${this.lists.size}`;
    this.#known.set(key, name);
    this.lists.set(name, decisions);
    return name;
  }
}

function isFinal({ tests, share }: Decision): boolean {
  return tests.length === 0 && share === undefined;
}

function lookupLines(kind: VirtualHost['host']['kind'], folder: string, nowhere: string): string[] {
  const file = (name: string): string => `${folder}/${name}`;
  const open = '!{ var(txn.to) -m found }';
  const found = `${open} { var(txn.vhost) -m found }`;
  return [
    `http-request set-var(txn.vhost) ${hostLookup(kind, 'txn.host', folder)} if ${open}`,
    // A client that has seen the certificate of one listener is at that listener.
    `http-request set-var(txn.scope) var(txn.vhost),field(1,v) if ${found} { var(txn.named) -m found }`,
    `http-request set-var(txn.to) str(${nowhere}) if ${found} { var(txn.named) -m found } !{ var(txn.named),field(1,v),strcmp(txn.scope) eq 0 }`,
    `http-request set-var(txn.key) var(txn.vhost),concat(,txn.path) if ${found}`,
    `http-request set-var(txn.to) var(txn.key),map_str(${file(FILES.virtualExact)}) if ${found}`,
    `http-request set-var(txn.to) var(txn.key),concat(/),map_beg(${file(FILES.virtualPrefix)}) if ${found}`,
    `http-request set-var(txn.to) str(${nowhere}) if ${found}`,
  ];
}

function hostLookup(kind: VirtualHost['host']['kind'], variable: string, folder: string): string {
  const hosts = `map_str(${folder}/${FILES.virtualHosts})`;
  if (kind === 'any') return `var(txn.port),${hosts}`;
  const key = `var(${variable}),concat(:,txn.port)`;
  return `${key},${kind === 'exact' ? hosts : `map_end(${folder}/${FILES.virtualWildcards})`}`;
}

/** HAProxy takes 64 words in a line; what stands before and after conditions is 20. */
const MAX_WORDS = 42;

/** A backend that has a twin has two lines, each for the clients of one family: no share is asked for twice. */
function decisionLines(name: string, decisions: readonly Decision[], nowhere: string, twins: Twins['of']): string[] {
  const here = `{ var(txn.to) -m str ${name} }`;
  const lines = decisions.flatMap(({ tests, share, backend }, at) => {
    const chance = share === undefined ? [] : [`{ rand(${share.whole}) lt ${share.parts} }`];
    const holds = inLines(tests).length > 1 ? [`{ var(${outcomeOf(name, at)}) -m found }`] : tests.map(condition);
    const line = (to: string, ...family: string[]): string =>
      `use_backend ${to} if ${[here, ...holds, ...family, ...chance].join(' ')}`;
    const twin = twins.get(backend);
    if (twin === undefined) return [line(backend)];
    return [line(twin.name, twin.condition), line(backend, `!${twin.condition}`)];
  });
  return [...lines, `use_backend ${nowhere} if ${here}`];
}

/** A decision with more conditions than a line can have is taken back by the first of its lines that does not hold. */
function conditionLines(name: string, decisions: readonly Decision[]): string[] {
  return decisions.flatMap(({ tests }, at) => {
    const [first = [], ...rest] = inLines(tests);
    if (rest.length === 0) return [];
    const outcome = outcomeOf(name, at);
    return [
      `http-request set-var(${outcome}) bool(true) if { var(txn.to) -m str ${name} } ${first.map(condition).join(' ')}`,
      ...rest.map((some) => `http-request unset-var(${outcome}) unless ${some.map(condition).join(' ')}`),
    ];
  });
}

function outcomeOf(name: string, at: number): string {
  return `txn.${name.replace(':', '_')}_${at}`;
}

/** The tests in their order, as many together as fit into a line. */
function inLines(tests: readonly RequestTest[]): RequestTest[][] {
  const lines: RequestTest[][] = [];
  let words = MAX_WORDS;
  for (const test of tests) {
    const own = wordsOf(test);
    if (words + own > MAX_WORDS) {
      lines.push([]);
      words = 0;
    }
    words += own;
    lines.at(-1)!.push(test);
  }
  return lines;
}

/** As {@link condition} writes it. */
function wordsOf(test: RequestTest): number {
  if (test.kind === 'method') return 5;
  return test.kind === 'path' || test.regex ? 12 : 7;
}

function condition(test: RequestTest): string {
  switch (test.kind) {
    case 'method':
      return `{ method -m str ${test.value} }`;
    case 'path':
      return `{ path,length le ${MAX_REGEX_TEXT} } { var(txn.path) -m reg -- ${quote(whole(test.value))} }`;
    case 'header':
    case 'query': {
      const { kind, name, value, regex } = test;
      const fetch = kind === 'header' ? `req.fhdr(${name})` : `url_param(${name}),url_dec(1)`;
      if (!regex) return `{ ${fetch} -m str -- ${quote(value)} }`;
      return `!{ ${fetch},length gt ${MAX_REGEX_TEXT} } { ${fetch} -m reg -- ${quote(whole(value))} }`;
    }
  }
}

function whole(expression: string): string {
  return `^(?:${expression})$`;
}
