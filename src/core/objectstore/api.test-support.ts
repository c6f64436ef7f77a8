import {
  BUILTIN_RESOURCES,
  bucketOf,
  create,
  decodeBody,
  internalWrite,
  Registry,
  schemaSource,
  VersionedStore,
  type ApiContext,
  type ApiObject,
  type Definitions,
  type DurableStore,
  type Entry,
  type Json,
  type ResourceDefinition,
  type Target,
} from './index.ts';

/** A store that keeps nothing. */
export const forgetful: DurableStore = {
  load: () => ({ revision: 0, records: [] }),
  write: () => undefined,
  close: () => undefined,
};

/** A deterministic API: the clock stands at noon and moves only by `tick`, names and ids count up. */
export interface TestApi {
  readonly context: ApiContext;
  tick(seconds: number): void;
  create(object: object, namespace?: string): Entry;
  target(kind: string, name: string, namespace?: string): Target;
  definition(kind: string): ResourceDefinition;
  stored(kind: string, name: string, namespace?: string): ApiObject | undefined;
}

/** Built over `definitions`; the namespace `default` exists. */
export function testApi(definitions: Definitions, settings: Partial<ApiContext['settings']> = {}): TestApi {
  let seconds = Date.UTC(2026, 0, 1, 12) / 1000;
  let count = 0;
  const schemas = schemaSource(definitions);
  const context: ApiContext = {
    store: new VersionedStore({ logSize: 4 }, forgetful),
    registry: new Registry(BUILTIN_RESOURCES),
    schemas: () => schemas,
    surroundings: {
      now: (offset = 0) => new Date((seconds + offset) * 1000).toISOString().replace('.000Z', 'Z'),
      uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
      random: () => 0,
    },
    settings: { serviceCidrs: ['10.96.0.0/16'], nodePortRange: { from: 30_000, to: 32_767 }, ...settings },
    validateObject: () => [],
  };
  const definition = (kind: string): ResourceDefinition => context.registry.all().find((each) => each.kind === kind)!;
  const api: TestApi = {
    context,
    tick: (by) => (seconds += by),
    create: (object, namespace) => {
      const of = definition((object as ApiObject).kind);
      const draft = decodeBody(context, of, object as unknown as Json, internalWrite({ fieldValidation: 'Strict' }));
      return create(context, of, namespace ?? (of.namespaced ? 'default' : ''), draft, internalWrite());
    },
    definition,
    target: (kind, name, namespace) => {
      const of = definition(kind);
      return { definition: of, name, namespace: namespace ?? (of.namespaced ? 'default' : '') };
    },
    stored: (kind, name, namespace) => {
      const of = definition(kind);
      return context.store.get(bucketOf(of), namespace ?? (of.namespaced ? 'default' : ''), name)?.object;
    },
  };
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  return api;
}
