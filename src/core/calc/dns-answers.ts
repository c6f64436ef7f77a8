import type { Family } from '../../base/ip/index.ts';
import { dnsAnswersChain, dnsServersSet } from '../nft/dns-answers.ts';
import { addressKey, portKey, protoKey } from '../nft/key.ts';
import { IPPROTO } from '../nft/model.ts';
import { CHAINS, SETS } from '../nft/names.ts';
import type { PodInterfaces } from '../nft/statements.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { SliceSpec } from '../service/model.ts';

/** The Service of the cluster's DNS, which has this name wherever Kubernetes is. */
const DNS_SERVICE = 'kube-system/kube-dns';

/** The way by which the agent learns what domain names stand for; nodes whose pods' policies name none do without. */
export class DnsAnswers {
  readonly #ruleset: TrackedRuleset;
  readonly #families: readonly Family[];
  readonly #pods: PodInterfaces;
  readonly #slices = new Map<string, SliceSpec>();
  #changed = true;

  constructor(ruleset: TrackedRuleset, families: readonly Family[], pods: PodInterfaces) {
    this.#ruleset = ruleset;
    this.#families = families;
    this.#pods = pods;
  }

  setSlice(key: string, slice: SliceSpec | undefined): void {
    const counts = slice?.service === DNS_SERVICE;
    if (!counts && !this.#slices.has(key)) return;
    if (counts) this.#slices.set(key, slice);
    else this.#slices.delete(key);
    this.#changed = true;
  }

  /** `wanted`: whether some local pod has policies that speak of domain names. */
  settle(wanted: boolean): void {
    const there = this.#ruleset.chains.has(CHAINS.dnsAnswers);
    if (wanted && !there) {
      for (const family of this.#families) this.#ruleset.addSet(dnsServersSet(family));
      this.#ruleset.setChain(dnsAnswersChain(this.#families, this.#pods));
    } else if (!wanted && there) {
      this.#ruleset.deleteChain(CHAINS.dnsAnswers);
      for (const family of this.#families) this.#ruleset.deleteSet(SETS.dnsServers(family));
    }
    if (wanted && (this.#changed || !there)) this.#fill();
    if (wanted) this.#changed = false;
  }

  #fill(): void {
    for (const family of this.#families) {
      const keys = [...this.#slices.values()].flatMap(({ ports, endpoints, idle = [] }) =>
        [...endpoints.map(({ address }) => address), ...idle]
          .filter((address) => address.family === family)
          .flatMap((address) =>
            ports.flatMap(({ protocol, port }) =>
              protocol === 'UDP' ? [addressKey(address) + protoKey(IPPROTO.UDP) + portKey(port)] : [],
            ),
          ),
      );
      this.#ruleset.replaceElements(SETS.dnsServers(family), new Map(keys.map((key) => [key, ''])));
    }
  }
}
