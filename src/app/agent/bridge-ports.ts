import { SluiceError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { bridgeGuard } from '../../core/nft/bridge-guard.ts';
import { EMPTY_RULESET, diff } from '../../core/nft/diff.ts';
import type { Ruleset } from '../../core/nft/model.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { EndpointRecord } from './endpoint-record.ts';

export interface BridgePortsDependencies {
  /** The table of family `bridge`; absent where the kernel has none. */
  readonly nftables: Pick<Nftables, 'apply' | 'actual'> | undefined;
  readonly log: Logger;
}

/** Keeps pods on bridges from taking each other's addresses, as far as their ports are known. */
export class BridgePorts {
  readonly #dependencies: BridgePortsDependencies;
  #inForce: Ruleset = EMPTY_RULESET;
  #problem: string | undefined;

  constructor(dependencies: BridgePortsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Why pods on a bridge may take each other's addresses; undefined when they may not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** In the kernel when it returns, unless there is a problem with that. */
  update(records: Iterable<EndpointRecord>): void {
    if (this.#problem !== undefined) return this.repair(records);
    const desired = desiredOf(records);
    this.#guarded(() => this.#change(desired));
  }

  /** Reads what the kernel holds, an earlier agent's at the start, and makes it what it should be. */
  repair(records: Iterable<EndpointRecord>): void {
    const desired = desiredOf(records);
    this.#guarded(() => {
      this.#inForce = this.#dependencies.nftables?.actual(desired) ?? EMPTY_RULESET;
      this.#change(desired);
    });
  }

  #change(desired: Ruleset): void {
    const { nftables } = this.#dependencies;
    const isEmpty = desired.chains.size === 0;
    if (isEmpty && this.#inForce.chains.size === 0) return;
    if (nftables === undefined) throw new SluiceError('not-supported', 'the kernel has no nftables of family bridge');
    const changes = diff(this.#inForce, desired);
    if (isEmpty) nftables.apply([{ op: 'destroy-table' }]);
    else if (changes.length > 0) nftables.apply([{ op: 'add-table' }, ...changes]);
    this.#inForce = desired;
  }

  /** Policy goes on without; it only trusts pods' addresses more than it should. */
  #guarded(act: () => void): void {
    try {
      act();
      this.#problem = undefined;
    } catch (error) {
      const problem = `pods on a bridge may take the addresses of others: ${messageOf(error)}`;
      if (problem !== this.#problem) this.#dependencies.log.error(problem);
      this.#problem = problem;
    }
  }
}

function desiredOf(records: Iterable<EndpointRecord>): Ruleset {
  return bridgeGuard([...records].flatMap(({ port, addresses }) => (port === undefined ? [] : [{ port, addresses }])));
}
