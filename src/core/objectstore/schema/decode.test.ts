import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../app/apiserver/definitions.ts';
import type { Json } from '../api-object.ts';
import { decode, type Decoded } from './decode.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { schemaSource } from './schema-source.ts';

const source = schemaSource(loadDefinitions());
const as = (kind: string, value: Json, group = '', version = 'v1'): Decoded =>
  decode(value, source.ofKind(group, version, kind)!, source.definitions);
const policy = (spec: Json): Decoded => as('NetworkPolicy', { spec }, 'networking.k8s.io');

describe('typed decoding', () => {
  it('counts nulls and empty optional collections as absent, but keeps empty structs, which select everything', () => {
    const spec = { podSelector: {}, egress: [], ingress: [{ from: [{ podSelector: {}, namespaceSelector: null }] }] };
    expect(policy(spec).value).toEqual({ spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } });
  });

  it.each([
    [{ policyType: [] }, 'unknown field "spec.policyType" (did you mean "spec.policyTypes"?)'],
    [{ podselector: {} }, 'unknown field "spec.podselector" (did you mean "spec.podSelector"?)'],
    [
      { egress: [{ to: [{ ports: [] }] }] },
      'unknown field "spec.egress[0].to[0].ports" (did you mean "spec.egress[0].ports"?)',
    ],
    [{ matchLabels: {} }, 'unknown field "spec.matchLabels" (did you mean "spec.podSelector.matchLabels"?)'],
    [{ nonsense: 1 }, 'unknown field "spec.nonsense"'],
  ])('reports %j', (spec, words) => {
    expect(policy(spec as Json).unknownFields).toEqual([words]);
  });

  it.each([
    [
      'Pod',
      { spec: { containers: [{ name: 1 }] } },
      'cannot unmarshal number into Go struct field Container.spec.containers.name of type string',
    ],
    [
      'Pod',
      { spec: { containers: {} } },
      'cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      'Pod',
      { spec: { hostNetwork: 'yes' } },
      'cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
    ['Service', { spec: { ports: [{ port: 1.5 }] } }, 'Go struct field ServicePort.spec.ports.port of type int32'],
    ['Service', { spec: { ports: [{ port: 3_000_000_000 }] } }, 'of type int32'],
    ['ConfigMap', { data: { a: true } }, 'cannot unmarshal bool into Go struct field ConfigMap.data of type string'],
    ['Secret', { data: { a: '***' } }, 'illegal base64 data at input byte 0'],
    ['Pod', { metadata: { creationTimestamp: 'yesterday' } }, 'parsing time "yesterday"'],
  ])('refuses a %s with %j', (kind, value, words) => {
    expect(as(kind, value as Json).typeError).toContain(words);
  });

  it('knows fields that are newer than the types at hand', () => {
    const endpoint = (node: object) => ({ endpoints: [{ addresses: ['10.0.0.1'], hints: { forNodes: [node] } }] });
    const slice = (node: object) => as('EndpointSlice', endpoint(node) as Json, 'discovery.k8s.io');
    expect(slice({ name: 'node-1' })).toMatchObject({ value: endpoint({ name: 'node-1' }), unknownFields: [] });
    expect(slice({ nam: 'x' }).unknownFields).toEqual([
      expect.stringContaining('unknown field "endpoints[0].hints.forNodes[0].nam"'),
    ]);
  });

  it('takes quantities as numbers and int-or-strings as either', () => {
    const container = { resources: { limits: { cpu: 2 } }, readinessProbe: { httpGet: { port: 'web' } } };
    const { value, typeError } = as('Pod', { spec: { containers: [container] } });
    expect(typeError).toBeUndefined();
    expect(value).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: '2' } } }] } });
  });
});

describe('finding fields that are given twice', () => {
  it.each([
    ['{"a":1,"b":{"a":1}}', []],
    ['{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
    ['{"s":{"l":[{"x":"}","x":"\\"{"}]}}', ['duplicate field "s.l[0].x"']],
    ['[{"a":[1,[2],{}],"a":null}]', ['duplicate field "[0].a"']],
    ['{"a\\u0062":1,"ab":2}', ['duplicate field "ab"']],
    ['"a"', []],
  ])('in %s', (text, expected) => expect(duplicateFields(text)).toEqual(expected));
});
