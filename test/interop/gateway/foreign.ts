import { expect } from 'vitest';
import { exact, gateway, http, route, to, V1 } from './cases.ts';
import type { Cases } from './cases.ts';

const HOST = 'any.example.test';

const foreign = (type: string) => ({
  type,
  status: 'True',
  reason: 'Seeded',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

/** What others write into a status. */
export const FOREIGN: Cases = {
  GatewayPreserveForeignConditions: async (rig) => {
    await rig.apply(gateway());
    await rig.expectListener('edge', 'http', 'Programmed', 'True');
    const seeded = foreign('example.com/Seeded');
    const { status } = await rig.get('Gateway', 'edge');
    await rig.status('Gateway', 'edge', {
      conditions: [...(status?.conditions ?? []), seeded],
      listeners: status?.listeners?.map((each) => ({ ...each, conditions: [...each.conditions, seeded] })),
    });
    await rig.apply(gateway([http('http', { hostname: 'second.example.com' })]));
    await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
    await rig.expectListener('edge', 'http', 'Programmed', 'True');
    const after = (await rig.get('Gateway', 'edge')).status;
    expect(after?.conditions).toContainEqual(seeded);
    expect(after?.listeners?.[0]?.conditions).toContainEqual(seeded);
  },

  HTTPRoutePreserveForeignStatus: async (rig) => {
    await rig.apply(gateway(), route('r', [to('v1', [exact('/before')])]));
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'True');
    const seeded = {
      parentRef: { name: 'unmanaged' },
      controllerName: 'example.com/other',
      conditions: [foreign('Accepted')],
    };
    const { status } = await rig.get('HTTPRoute', 'r');
    await rig.status('HTTPRoute', 'r', { parents: [...(status?.parents ?? []), seeded] });
    await rig.apply(route('r', [to('v1', [exact('/after')])]));
    await rig.expect([HOST, '/after', V1]);
    await expect
      .poll(async () => {
        const { metadata, status: now } = await rig.get('HTTPRoute', 'r');
        const own = now?.parents?.find(({ controllerName }) => controllerName === 'sluice.dev/gateway');
        return own?.conditions.every(({ observedGeneration }) => observedGeneration === metadata.generation);
      })
      .toBe(true);
    expect((await rig.get('HTTPRoute', 'r')).status?.parents).toContainEqual(seeded);
  },
};
