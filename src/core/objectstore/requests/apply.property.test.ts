import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadDefinitions } from '../../../app/apiserver/definitions.ts';
import { testApi } from '../api.test-support.ts';
import { internalWrite } from '../api-context.ts';
import type { Json } from '../api-object.ts';
import { apply } from './apply.ts';

const definitions = loadDefinitions();
const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 4 });

it('keeps exactly what the managers want at last, whatever they wanted before', () => {
  const wish = fc.record({ manager: fc.constantFrom('one', 'two', 'three'), keys });
  fc.assert(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 12 }), (wishes) => {
      const api = testApi(definitions);
      const wanted = new Map<string, readonly string[]>();
      for (const { manager, keys: chosen } of wishes) {
        const body = {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'shared', labels: Object.fromEntries(chosen.map((key) => [key, 'x'])) },
          data: Object.fromEntries(chosen.map((key) => [key, 'x'])),
        };
        const request = { ...internalWrite({ fieldManager: manager }), force: false };
        apply(api.context, api.target('ConfigMap', 'shared'), body as Json, 'main', request);
        wanted.set(manager, chosen);
      }
      const expected = [...new Set([...wanted.values()].flat())].sort();
      const stored = api.stored('ConfigMap', 'shared')!;
      expect(Object.keys(stored['data'] ?? {}).sort()).toEqual(expected);
      expect(Object.keys(stored.metadata.labels ?? {}).sort()).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

it('changes nothing when the same is applied again', () => {
  const api = testApi(definitions);
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: {
          containers: [
            { name: 'c', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] },
          ],
        },
      },
    },
  };
  const request = { ...internalWrite({ fieldManager: 'one' }), force: false };
  const target = api.target('Deployment', 'd');
  const first = apply(api.context, target, body as unknown as Json, 'main', request);
  api.tick(60);
  const second = apply(api.context, target, body as unknown as Json, 'main', request);
  expect({ created: first.created, again: second.created }).toEqual({ created: true, again: false });
  expect(second.entry.revision).toBe(first.entry.revision);
});
