import { equalIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { backendData, frontendKey } from '../nft/compile-service.ts';
import type { ElementKey } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { ConntrackFlush, HostPort, LocalEndpoint } from './model.ts';

/** Where one port of the node leads in one family. */
interface Lead {
  readonly set: string;
  readonly key: ElementKey;
  readonly family: Family;
  readonly front: { readonly protocol: HostPort['protocol']; readonly address?: Ip; readonly port: number };
  readonly pod: { readonly address: Ip; readonly port: number };
}

/** Keeps the ports of the node that lead to its pods. Should two pods claim one, the first by id has it. */
export class HostPorts {
  readonly #ruleset: TrackedRuleset;
  readonly #families: readonly Family[];
  readonly #leads = new Map<string, readonly Lead[]>();
  /** By set and key, what each endpoint claims. */
  readonly #claims = new Map<string, Map<string, Lead>>();
  readonly #programmed = new Map<string, Lead>();
  readonly #dirty = new Set<string>();

  constructor(ruleset: TrackedRuleset, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#families = families;
  }

  setEndpoint(id: string, endpoint: LocalEndpoint | undefined): void {
    for (const lead of this.#leads.get(id) ?? []) {
      const claims = this.#claims.get(nameOf(lead));
      claims?.delete(id);
      if (claims?.size === 0) this.#claims.delete(nameOf(lead));
      this.#dirty.add(nameOf(lead));
    }
    const leads = endpoint === undefined ? [] : leadsOf(endpoint, this.#families);
    if (leads.length === 0) this.#leads.delete(id);
    else this.#leads.set(id, leads);
    for (const lead of leads) {
      const claims = this.#claims.get(nameOf(lead)) ?? new Map<string, Lead>();
      this.#claims.set(nameOf(lead), claims.set(id, lead));
      this.#dirty.add(nameOf(lead));
    }
  }

  /** Brings the maps up to date and names the UDP flows that a change has made stale. */
  settle(): readonly ConntrackFlush[] {
    const flushes = [...this.#dirty].flatMap((name) => this.#settle(name));
    this.#dirty.clear();
    return flushes;
  }

  #settle(name: string): readonly ConntrackFlush[] {
    const before = this.#programmed.get(name);
    const claims = [...(this.#claims.get(name) ?? [])];
    const now = claims.reduce<[string, Lead] | undefined>(
      (first, each) => (first === undefined || each[0] < first[0] ? each : first),
      undefined,
    )?.[1];
    if (before !== undefined) this.#ruleset.remove(before.set, before.key);
    if (now === undefined) this.#programmed.delete(name);
    else {
      this.#programmed.set(name, now);
      this.#ruleset.put(now.set, now.key, backendData(now.pod.address, now.pod.port));
    }
    return staleFlows(before, now);
  }
}

function nameOf({ set, key }: Lead): string {
  return `${set} ${key}`;
}

/** A pod's first address of each family answers. */
function leadsOf({ addresses, hostPorts = [] }: LocalEndpoint, families: readonly Family[]): readonly Lead[] {
  return families.flatMap((family) => {
    const address = addresses.find((each) => each.family === family);
    if (address === undefined) return [];
    const offered = hostPorts.filter(({ hostIp }) => hostIp === undefined || hostIp.family === family);
    return offered.map(({ protocol, hostPort: port, containerPort, hostIp }): Lead => {
      const single = hostIp !== undefined && hostIp.value !== 0n;
      const front = { protocol, port, ...(single ? { address: hostIp } : {}) };
      const set = single ? SETS.hostPortsAt(family) : SETS.hostPorts(family);
      return { set, key: frontendKey(front), family, front, pod: { address, port: containerPort } };
    });
  });
}

/** What came before the pod was there went untranslated; what it answered ends with it. At a start all are new. */
function staleFlows(before: Lead | undefined, now: Lead | undefined): readonly ConntrackFlush[] {
  const lead = now ?? before;
  if (lead === undefined || lead.front.protocol !== 'UDP' || (now !== undefined && leadsAlike(before, now))) return [];
  return [
    {
      ...lead.front,
      protocol: 'UDP',
      family: lead.family,
      endpoints: now === undefined ? [] : [now.pod],
      former: before === undefined ? [] : [before.pod],
    },
  ];
}

function leadsAlike(before: Lead | undefined, { pod }: Lead): boolean {
  return before !== undefined && before.pod.port === pod.port && equalIp(before.pod.address, pod.address);
}
