import type { Family } from '../../base/ip/index.ts';
import { isChanging, wayTo } from '../../core/wireguard/index.ts';
import type { WireguardInput, WireguardTunnel, WireguardWay } from '../../core/wireguard/index.ts';
import type { WireguardDevice } from '../../host/wireguard/port.ts';

/** How long packets of a peer that went back to its usual device are still taken from the other, milliseconds. */
const LINGER = 10_000;
/** How long peers that are not encrypted yet may answer before nothing goes to them in the clear, milliseconds. */
const OPENING = 10_000;

/** A device with what it should be. */
export interface SessionDevice {
  readonly tunnel: WireguardTunnel;
  readonly device: WireguardDevice;
}

/** What is known of one family's sessions with peers, and the ways that follow from it. */
export class WireguardSessions {
  readonly #family: Family;
  readonly #onTimer: () => void;
  #ways: ReadonlyMap<string, WireguardWay> = new Map();
  #usual: ReadonlySet<string> = new Set();
  #handover: ReadonlySet<string> = new Set();
  #silent: readonly string[] = [];
  /** Peers of the hand-over's device, with what ends their time on it where it is ending. */
  readonly #handingOver = new Map<string, NodeJS.Timeout | undefined>();
  #opening: NodeJS.Timeout | undefined;

  constructor(family: Family, onTimer: () => void) {
    this.#family = family;
    this.#onTimer = onTimer;
  }

  get ways(): ReadonlyMap<string, WireguardWay> {
    return this.#ways;
  }

  get handingOver(): ReadonlySet<string> {
    return new Set(this.#handingOver.keys());
  }

  /** Peers that have not answered by some device yet. */
  get silent(): readonly string[] {
    return this.#silent;
  }

  /** Whether the peer's present key has answered. */
  isGreeted(node: string): boolean {
    return this.#usual.has(node);
  }

  /** Whether all who answer by their present key answer by the hand-over's device as well. */
  get isHandedOver(): boolean {
    return this.#usual.size > 0 && [...this.#usual].every((node) => this.#handover.has(node));
  }

  /**
   * WireGuard was switched on under traffic that went in the clear until now: that goes on so for a short while, until
   * peers answer.
   */
  open(): void {
    clearTimeout(this.#opening);
    this.#opening = setTimeout(() => {
      this.#opening = undefined;
      this.#onTimer();
    }, OPENING).unref();
  }

  /** Nothing is known any more. */
  clear(): void {
    clearTimeout(this.#opening);
    this.#opening = undefined;
    for (const timer of this.#handingOver.values()) clearTimeout(timer);
    this.#handingOver.clear();
    [this.#ways, this.#usual, this.#handover, this.#silent] = [new Map(), new Set(), new Set(), []];
  }

  /** Takes note of who has answered. */
  learn(
    usual: SessionDevice,
    handover: SessionDevice | undefined,
    input: Pick<WireguardInput, 'node' | 'nextKeys'>,
  ): void {
    this.#usual = answered(usual);
    this.#handover = handover === undefined ? new Set() : answered(handover);
    const before = this.#ways;
    const nodes = usual.tunnel.peers.map(({ node }) => node);
    this.#ways = new Map(
      nodes.flatMap((node) => {
        const way = wayTo({
          usual: this.#usual.has(node),
          handover: this.#handover.has(node),
          changing: isChanging(this.#family, node, input),
          // What was encrypted never goes without again while the peer publishes a key, even another one.
          bound: this.#opening === undefined || before.has(node),
        });
        return way === undefined ? [] : [[node, way] as const];
      }),
    );
    const besides = handover?.tunnel.peers.map(({ node }) => node) ?? [];
    this.#silent = [
      ...nodes.filter((node) => !this.#usual.has(node)),
      ...besides.filter((node) => !this.#handover.has(node)),
    ];
    this.#followHandover(besides, input);
  }

  #followHandover(peers: readonly string[], input: Pick<WireguardInput, 'node' | 'nextKeys'>): void {
    const present = new Set(peers);
    for (const [node, timer] of this.#handingOver) if (!present.has(node)) this.#forget(node, timer);
    for (const node of peers) {
      const timer = this.#handingOver.get(node);
      if (isChanging(this.#family, node, input) || this.#ways.get(node) === 'hand-over') {
        clearTimeout(timer);
        this.#handingOver.set(node, undefined);
      } else if (timer === undefined) {
        const end = setTimeout(() => {
          this.#forget(node, undefined);
          this.#onTimer();
        }, LINGER);
        this.#handingOver.set(node, end.unref());
      }
    }
  }

  #forget(node: string, timer: NodeJS.Timeout | undefined): void {
    clearTimeout(timer);
    this.#handingOver.delete(node);
  }
}

/** Whether a session was agreed on with the key. */
export function hasGreeted({ peers }: WireguardDevice, key: string): boolean {
  return peers.some(({ publicKey, lastHandshake }) => publicKey === key && lastHandshake !== undefined);
}

function answered({ tunnel, device }: SessionDevice): ReadonlySet<string> {
  return new Set(tunnel.peers.filter(({ publicKey }) => hasGreeted(device, publicKey)).map(({ node }) => node));
}
