import type { ControlOptions } from './control-options.ts';
import type { Controller } from './controller.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { disruptionController } from './disruption.ts';
import { endpointSliceController } from './endpoint-slice.ts';
import { endpointsController } from './endpoints.ts';
import { jobController } from './job.ts';
import { rootCaController, serviceAccountController } from './namespace-content.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { podGcController } from './pod-gc.ts';
import { replicaSetController } from './replica-set.ts';
import { schedulerController } from './scheduler.ts';

/** The scheduler and every controller that works from the shared caches, ready to be started. */
export function controllers(options: ControlOptions): readonly Controller[] {
  const graceMs = (options.nodeGraceSeconds ?? 16) * 1000;
  const evictAfterMs = (options.evictAfterSeconds ?? 5) * 1000;
  return [
    schedulerController(new Map()),
    deploymentController,
    replicaSetController,
    daemonSetController,
    jobController,
    disruptionController,
    endpointSliceController,
    endpointsController,
    serviceAccountController,
    rootCaController(options.rootCa),
    nodeLifecycleController({ graceMs, evictAfterMs }),
    podGcController,
  ];
}
