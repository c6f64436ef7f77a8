import type { Family } from '../../base/ip/index.ts';
import { WIREGUARD_DEVICES } from '../../core/wireguard/index.ts';
import type {
  WireguardInput,
  WireguardKeys,
  WireguardSettings,
  WireguardTunnel,
  WireguardWay,
} from '../../core/wireguard/index.ts';
import type { WireguardDevice } from '../../host/wireguard/port.ts';
import type { TextStore } from './text-file.ts';
import { WireguardNodeKeys } from './wireguard-keys.ts';
import type { NodeKey } from './wireguard-keys.ts';
import { WireguardRotation } from './wireguard-rotation.ts';
import { WireguardSessions } from './wireguard-sessions.ts';
import type { SessionDevice } from './wireguard-sessions.ts';

/** Tunnels are of one family each. */
export const FAMILIES: readonly Family[] = [4, 6];

/** What is remembered of one family. */
interface FamilyState {
  readonly sessions: WireguardSessions;
  readonly rotation: WireguardRotation;
  state: 'unknown' | 'off' | 'on';
}

/** What a change of keys depends on besides what is known here. */
export interface RotationInput extends Pick<WireguardInput, 'node' | 'nextKeys' | 'settings'> {
  /** The wish for another key that the Node expresses. */
  readonly wish: string;
  /** Undefined where there is none. */
  readonly deviceOf: (name: string) => WireguardDevice | undefined;
}

/** This node's keys, and what is known of its peers' sessions, family by family. */
export class WireguardFamilies {
  readonly #own: WireguardNodeKeys;
  readonly #families: Readonly<Record<Family, FamilyState>>;

  /** `onTimer` is called when time has changed what follows from all this. */
  constructor(keys: TextStore, onTimer: () => void) {
    this.#own = new WireguardNodeKeys(keys);
    const familyState = (family: Family): FamilyState => ({
      sessions: new WireguardSessions(family, onTimer),
      rotation: new WireguardRotation(family, this.#own, onTimer),
      state: 'unknown',
    });
    this.#families = { 4: familyState(4), 6: familyState(6) };
  }

  stop(): void {
    for (const family of FAMILIES) {
      this.#families[family].sessions.clear();
      this.#families[family].rotation.stop();
    }
  }

  /** What tunnels follow from. */
  get known(): Pick<WireguardInput, 'ways' | 'handingOver'> {
    const { 4: v4, 6: v6 } = this.#families;
    return {
      ways: { 4: v4.sessions.ways, 6: v6.sessions.ways },
      handingOver: { 4: v4.sessions.handingOver, 6: v6.sessions.handingOver },
    };
  }

  waysOf(family: Family): ReadonlyMap<string, WireguardWay> {
    return this.#families[family].sessions.ways;
  }

  /** How many peers have not answered by some device yet. */
  get silent(): number {
    return FAMILIES.reduce((sum, family) => sum + this.#families[family].sessions.silent.length, 0);
  }

  /** Forgets sessions of what is off, and bears for a while with traffic in the clear under what was. */
  switch(settings: WireguardSettings): void {
    for (const family of FAMILIES) {
      const on = settings[family].enabled;
      const known = this.#families[family];
      if (on && known.state === 'off') known.sessions.open();
      if (!on) known.sessions.clear();
      known.state = on ? 'on' : 'off';
    }
  }

  /** Goes on with changes of this node's keys, and returns those that are next. */
  rotate({ node, nextKeys, settings, wish, deviceOf }: RotationInput): WireguardKeys {
    const next: Partial<Record<Family, string>> = {};
    for (const family of FAMILIES.filter((each) => settings[each].enabled)) {
      const { sessions, rotation } = this.#families[family];
      const device = deviceOf(WIREGUARD_DEVICES[family]);
      const others = [...nextKeys].some(([name, keys]) => name !== node && keys[family] !== undefined);
      rotation.step({
        wish,
        inTouch: device?.peers.some(({ lastHandshake }) => lastHandshake !== undefined) === true,
        handedOver: sessions.isHandedOver,
        othersChange: others || sessions.handingOver.size > 0,
      });
      const key = this.#own.next(family);
      if (key !== undefined) next[family] = key.publicKey;
    }
    return next;
  }

  /** That of the tunnel's device. */
  keyOf({ family, way }: WireguardTunnel, wish: string): NodeKey {
    const present = this.#own.present(family, wish);
    return way === 'usual' ? present : (this.#own.next(family) ?? present);
  }

  /**
   * The kernel goes on telling of sessions with an earlier key as if they still served. So peers begin anew but for those
   * that know no other way: they are heard until they have the new key. `before` is the tunnel as it was.
   */
  forgotten(
    { family, way }: WireguardTunnel,
    before: WireguardTunnel | undefined,
    peers: readonly { readonly publicKey: string }[],
  ) {
    const elsewhere = new Set(
      before?.peers
        .filter(({ node }) => this.waysOf(family).get(node) === 'hand-over')
        .map(({ publicKey }) => publicKey),
    );
    return peers
      .filter(({ publicKey }) => way === 'hand-over' || elsewhere.has(publicKey))
      .map(({ publicKey }) => ({ publicKey, remove: true }) as const);
  }

  /** Takes note of who has answered by the devices that there are. */
  learn(present: readonly SessionDevice[], input: Pick<WireguardInput, 'node' | 'nextKeys'>): void {
    for (const family of FAMILIES) {
      const own = present.filter(({ tunnel }) => tunnel.family === family);
      const usual = own.find(({ tunnel }) => tunnel.way === 'usual');
      const handover = own.find(({ tunnel }) => tunnel.way === 'hand-over');
      if (usual !== undefined) this.#families[family].sessions.learn(usual, handover, input);
    }
  }
}
