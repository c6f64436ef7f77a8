import type { Family } from '../../base/ip/index.ts';
import type { WireguardNodeKeys } from './wireguard-keys.ts';

/** What a change of keys depends on. */
export interface RotationScene {
  /** The wish for another key that the Node expresses. */
  readonly wish: string;
  /** Whether any peer has agreed on a session with the present key. */
  readonly inTouch: boolean;
  /** Whether every such peer has agreed on one with the next key, too. */
  readonly handedOver: boolean;
  /** Whether peers change theirs: the device for it is needed with the present key. */
  readonly othersChange: boolean;
}

/** How long peers have to lead their packets to the new key after the last of them has answered by it, milliseconds. */
const SETTLE = 10_000;
/** How long peers that do not answer by the new key are waited for, milliseconds: longer than an agent takes to restart. */
const PATIENCE = 120_000;
/** How long others are let go first, milliseconds. */
const POSTPONEMENT = 300_000;

type Step = 'settle' | 'patience' | 'postponement';

/**
 * Brings one family's key from the present to the next one: tells peers of the next, waits until they use it, and adopts
 * it. Times run in the process; an agent that starts anew begins to wait anew.
 */
export class WireguardRotation {
  readonly #family: Family;
  readonly #keys: WireguardNodeKeys;
  readonly #onTimer: () => void;
  readonly #timers = new Map<Step, NodeJS.Timeout>();
  readonly #passed = new Set<Step>();

  constructor(family: Family, keys: WireguardNodeKeys, onTimer: () => void) {
    this.#family = family;
    this.#keys = keys;
    this.#onTimer = onTimer;
  }

  /** Goes as far as the scene allows. */
  step(scene: RotationScene): void {
    if (this.#keys.next(this.#family) === undefined) this.#begin(scene);
    if (this.#keys.next(this.#family) !== undefined) this.#proceed(scene);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#passed.clear();
  }

  #begin({ wish, inTouch, othersChange }: RotationScene): void {
    if (!this.#keys.wantsAnother(this.#family, wish)) return this.stop();
    if (!inTouch) this.#keys.replace(this.#family, wish);
    else if (!othersChange || this.#hasPassed('postponement', POSTPONEMENT)) {
      this.stop();
      this.#keys.prepare(this.#family, wish);
    }
  }

  #proceed({ inTouch, handedOver }: RotationScene): void {
    const late = this.#hasPassed('patience', PATIENCE);
    const settled = handedOver && this.#hasPassed('settle', SETTLE);
    if (inTouch && !late && !settled) return;
    this.stop();
    this.#keys.adopt(this.#family);
  }

  /** Starts the time when it is first asked for. */
  #hasPassed(step: Step, milliseconds: number): boolean {
    if (this.#passed.has(step)) return true;
    if (!this.#timers.has(step)) {
      const timer = setTimeout(() => {
        this.#passed.add(step);
        this.#onTimer();
      }, milliseconds);
      this.#timers.set(step, timer.unref());
    }
    return false;
  }
}
