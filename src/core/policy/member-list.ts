import { matchesLabels } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';
import type { NamespaceInfo } from './cluster.ts';
import type { EndpointClass } from './endpoint-class.ts';

/** What chooses pods, with the usual forms of selectors taken apart. */
export interface MemberTest {
  /** The one namespace that it chooses in. */
  readonly namespace: NamespaceInfo | undefined;
  /** All that it chooses in, when it chooses by a selector. */
  readonly namespaces: ReadonlySet<NamespaceInfo> | undefined;
  /** The selector is this one label with this value. */
  readonly label: { readonly key: string; readonly value: string } | undefined;
  /** Absent when it is everything or `label`. */
  readonly selector: Selector | undefined;
}

/** How many bytes the lists of one engine may still take for the answers that they remember. */
export interface AnswerSpace {
  left: number;
}

/**
 * What chooses pods, as one question about classes: most of judging is asking it. A list that chooses in many namespaces
 * tests each class once and keeps the answer, as long as there is space; few classes get past the namespace of any other.
 */
export class MemberList {
  /** The one namespace that all tests choose in; undefined when they choose in several, and when there is no test. */
  readonly home: NamespaceInfo | undefined;
  readonly #tests: readonly MemberTest[];
  readonly #space: AnswerSpace;
  /** By the number of the class: 0 not known, 1 no, 2 yes. */
  #answers = new Uint8Array(0);

  constructor(tests: readonly MemberTest[], space: AnswerSpace) {
    const home = tests[0]?.namespace;
    this.home = tests.every(({ namespace }) => namespace === home) ? home : undefined;
    this.#tests = tests;
    this.#space = space;
  }

  /** Whether one of the tests chooses the class. */
  has(endpoints: EndpointClass): boolean {
    if (this.#tests.length === 0) return false;
    if (this.home !== undefined) return this.home === endpoints.namespace && this.#ask(endpoints);
    const { id } = endpoints;
    const known = id < this.#answers.length ? this.#answers[id] : 0;
    if (known !== 0) return known === 2;
    const answer = this.#ask(endpoints);
    if (id < this.#answers.length || this.#grow(id + 1)) this.#answers[id] = answer ? 2 : 1;
    return answer;
  }

  #ask(endpoints: EndpointClass): boolean {
    for (const test of this.#tests) if (chooses(test, endpoints)) return true;
    return false;
  }

  /** Makes room for `count` answers; false when there is no space for them. */
  #grow(count: number): boolean {
    const length = Math.max(64, 2 * this.#answers.length, count);
    const more = length - this.#answers.length;
    if (more > this.#space.left) return false;
    this.#space.left -= more;
    const answers = new Uint8Array(length);
    answers.set(this.#answers);
    this.#answers = answers;
    return true;
  }
}

function chooses({ namespace, namespaces, label, selector }: MemberTest, endpoints: EndpointClass): boolean {
  const { namespace: own, labels } = endpoints;
  if (namespace !== undefined && namespace !== own) return false;
  if (namespaces !== undefined && !namespaces.has(own)) return false;
  if (label !== undefined && labels[label.key] !== label.value) return false;
  return selector === undefined || matchesLabels(selector, labels);
}
