import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../app/apiserver/definitions.ts';
import type { Json } from '../api-object.ts';
import { schemaSource } from '../schema/schema-source.ts';
import { strategicMerge } from './strategic-merge.ts';

const source = schemaSource(loadDefinitions());
const deployment = source.ofKind('apps', 'v1', 'Deployment');
const pod = source.ofKind('', 'v1', 'Pod');
const merge = (target: Json, patch: Json, schema = pod): Json =>
  strategicMerge(target, patch, schema, source.definitions);

describe('a strategic merge patch', () => {
  it('merges containers by name and their ports by number, and keeps the others', () => {
    const target = { spec: { containers: [{ name: 'a', image: '1', ports: [{ containerPort: 80 }] }, { name: 'b' }] } };
    const patch = { spec: { containers: [{ name: 'a', image: '2', ports: [{ containerPort: 81 }] }, { name: 'c' }] } };
    expect(merge(target, patch)).toEqual({
      spec: {
        containers: [
          { name: 'a', image: '2', ports: [{ containerPort: 80 }, { containerPort: 81 }] },
          { name: 'b' },
          { name: 'c' },
        ],
      },
    });
  });

  it('deletes list items by directive, and fields by null', () => {
    const target = { spec: { containers: [{ name: 'a' }, { name: 'b', image: '1' }], nodeName: 'n' } };
    const patch = {
      spec: {
        containers: [
          { $patch: 'delete', name: 'a' },
          { name: 'b', image: null },
        ],
        nodeName: null,
      },
    };
    expect(merge(target, patch as Json)).toEqual({ spec: { containers: [{ name: 'b' }] } });
  });

  it('replaces lists that have no merge key as a whole', () => {
    expect(merge({ spec: { tolerations: [{ key: 'a' }] } }, { spec: { tolerations: [{ key: 'b' }] } })).toEqual({
      spec: { tolerations: [{ key: 'b' }] },
    });
  });

  it('treats finalizers as a set and deletes from it by directive', () => {
    const target = { metadata: { finalizers: ['a', 'b'] } };
    expect(merge(target, { metadata: { finalizers: ['b', 'c'] } })).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(merge(target, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { finalizers: ['b'] },
    });
  });

  it('puts items into the order that the patch names', () => {
    const target = { spec: { containers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } };
    const patch = {
      spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'a', image: 'x' }] },
    };
    expect(merge(target, patch)).toEqual({
      spec: { containers: [{ name: 'c' }, { name: 'b' }, { name: 'a', image: 'x' }] },
    });
  });

  it('drops what $retainKeys does not name', () => {
    const target = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(merge(target, patch, deployment)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });

  it('replaces an object on demand', () => {
    expect(
      merge({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }),
    ).toEqual({
      metadata: { labels: { b: '2' } },
    });
  });

  it('leaves its inputs alone', () => {
    const target = { spec: { containers: [{ name: 'a' }] } };
    const before = structuredClone(target);
    merge(target, { spec: { containers: [{ name: 'a', image: 'x' }] } });
    expect(target).toEqual(before);
  });
});
