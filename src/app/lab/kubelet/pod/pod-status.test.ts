import type { ContainerState, Pod } from 'kubernetes-types/core/v1.d.ts';
import { describe, expect, it } from 'vitest';
import type { ContainerView, PodView } from './pod-status.ts';
import { podStatus } from './pod-status.ts';

const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const NOW = '2026-01-02T00:00:00Z';

function container(
  state: ContainerState,
  more: Partial<Pick<ContainerView, 'role' | 'finished'>> & {
    readonly ready?: boolean;
    readonly restarts?: number;
  } = {},
): ContainerView {
  const { role = 'app', finished, ready = state.running !== undefined, restarts = 0 } = more;
  return {
    role,
    finished,
    status: { name: 'c', image: 'i', imageID: '', ready, started: ready, restartCount: restarts, state, lastState: {} },
  };
}

const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } };
const running: ContainerState = { running: { startedAt: NOW } };
const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode } });

const view = (containers: readonly ContainerView[], more: Partial<PodView> = {}): PodView => ({
  pod,
  containers,
  podIps: ['10.244.0.5'],
  hostIps: ['172.30.1.11'],
  sandboxReady: true,
  startTime: NOW,
  now: NOW,
  ...more,
});

const condition = (status: ReturnType<typeof podStatus>, type: string): unknown =>
  status.conditions?.find((each) => each.type === type)?.status;

describe('the phase of a pod', () => {
  it.each([
    ['Pending', [container(waiting)]],
    ['Pending', [container(running, { role: 'init' }), container(waiting)]],
    ['Running', [container(running), container(waiting)]],
    ['Running', [container(running), container(ended(1), { finished: 1 })]],
    ['Running', [container(waiting, { restarts: 3 })]],
    ['Running', [container(ended(1))]],
    ['Succeeded', [container(ended(0), { finished: 0 })]],
    ['Failed', [container(ended(0), { finished: 0 }), container(ended(2), { finished: 2 })]],
    ['Failed', [container(ended(1), { role: 'init', finished: 1 }), container(waiting)]],
  ])('is %s (%#)', (phase, containers) => {
    expect(podStatus(view(containers)).phase).toBe(phase);
  });

  it('does not go back from Running to Pending', () => {
    const before: Pod = { ...pod, status: { phase: 'Running' } };
    expect(podStatus(view([container(waiting)], { pod: before })).phase).toBe('Running');
  });
});

describe('the conditions of a pod', () => {
  it('are ready when every container is, sidecars included', () => {
    const sidecar = container(running, { role: 'sidecar', ready: false });
    expect(condition(podStatus(view([container(running)])), 'Ready')).toBe('True');
    expect(condition(podStatus(view([sidecar, container(running)])), 'Ready')).toBe('False');
  });

  it('wait for readiness gates of others', () => {
    const gated: Pod = { ...pod, spec: { containers: [], readinessGates: [{ conditionType: 'example.test/ok' }] } };
    const status = podStatus(view([container(running)], { pod: gated }));
    expect([condition(status, 'ContainersReady'), condition(status, 'Ready')]).toEqual(['True', 'False']);
    const open: Pod = { ...gated, status: { conditions: [{ type: 'example.test/ok', status: 'True' }] } };
    const after = podStatus(view([container(running)], { pod: open }));
    expect([condition(after, 'Ready'), condition(after, 'example.test/ok')]).toEqual(['True', 'True']);
  });

  it('keep their transition time while they stay what they are', () => {
    const earlier = '2026-01-01T00:00:00Z';
    const before: Pod = {
      ...pod,
      status: {
        conditions: [
          { type: 'Ready', status: 'True', lastTransitionTime: earlier },
          { type: 'ContainersReady', status: 'False', lastTransitionTime: earlier },
        ],
      },
    };
    const times = new Map(
      podStatus(view([container(running)], { pod: before })).conditions?.map((each) => [
        each.type,
        each.lastTransitionTime,
      ]),
    );
    expect([times.get('Ready'), times.get('ContainersReady')]).toEqual([earlier, NOW]);
  });

  it('are not ready once the pod has ended', () => {
    const status = podStatus(view([container(ended(0), { finished: 0 })]));
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
  });
});
