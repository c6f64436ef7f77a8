import type { Logger } from '../../base/log.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { collectAddresses } from './collect-addresses.ts';
import { giveAddresses } from './give-addresses.ts';
import { keepHandles } from './keep-handles.ts';
import { leadWhile } from './lead.ts';
import type { ControllersOptions } from './options.ts';
import { reportPools } from './report-pools.ts';

/** What the controllers of Sluice need. */
export interface ControllersDependencies {
  readonly client: KubeClient;
  readonly store: BlockStore;
  /** Whether Calico has Nodes of its own, in etcd. */
  readonly calicoNodes?: boolean;
  readonly log: Logger;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Collects leaked addresses, keeps the handles of addresses, reports on pools and gives addresses to Services, while this process holds the Lease, until the signal aborts. */
export async function runControllers(
  options: ControllersOptions,
  dependencies: ControllersDependencies,
): Promise<void> {
  await leadWhile(
    options,
    async (term) => {
      await Promise.all([
        collectAddresses(options, dependencies, term),
        keepHandles(dependencies, term),
        reportPools(dependencies, term),
        giveAddresses(dependencies, term),
      ]);
    },
    dependencies,
  );
}
