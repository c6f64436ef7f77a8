import type { ContainerRunner } from './container-runner.ts';
import type { podStatus } from './pod-status.ts';
import type { NodePod } from './types.ts';

type States = Parameters<typeof podStatus>[0]['containers'];

/** How the containers are, before there is one of them, too; `over`: the pod runs none of them any more. */
export function containerStates(spec: NodePod['spec'], runners: readonly ContainerRunner[], over: boolean): States {
  if (runners.length === 0) return waiting(spec);
  return runners.map((runner) => ({
    role: runner.role,
    status: runner.status(),
    finished: over ? runner.exitCode : finished(runner, spec.restartPolicy ?? 'Always'),
  }));
}

function waiting({ containers, initContainers }: NodePod['spec']): States {
  return containers.map((container) => ({
    role: 'app' as const,
    status: {
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      ready: false,
      started: false,
      restartCount: 0,
      state: { waiting: { reason: initContainers?.length ? 'PodInitializing' : 'ContainerCreating' } },
      lastState: {},
    },
    finished: undefined,
  }));
}

/** With which exit code the container has ended for good; undefined: it has not. */
function finished({ role, exitCode: code }: ContainerRunner, policy: string): number | undefined {
  if (role === 'init') return code === 0 || policy === 'Never' ? code : undefined;
  const done = policy === 'Never' || (policy === 'OnFailure' && code === 0);
  return done ? code : undefined;
}
