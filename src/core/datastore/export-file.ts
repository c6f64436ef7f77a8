import { parseAllDocuments, stringify } from 'yaml';
import { SluiceError } from '../../base/errors.ts';
import { sorted, sumsOf, transferable } from './contents.ts';
import type { Contents, Sum } from './contents.ts';
import { layoutOf } from './layouts.ts';
import { MIGRATED_KINDS, isDerived } from './migrated-kinds.ts';
import type { MigratedKind } from './migrated-kinds.ts';
import type { StoredObject } from './stored-object.ts';

/** `apiVersion` of resources in the file, as calicoctl writes and reads them. */
const API_VERSION = 'projectcalico.org/v3';

/** Begins the comment with the sums: calicoctl does not read it, and its own files have none. */
const SUMS = '# sums: ';

/** What an exported file holds. */
export interface ExportFile {
  readonly contents: Contents;
  /** `spec` of ClusterInformation `default`: the cluster's identity, not whether it is locked. */
  readonly information: Readonly<Record<string, unknown>>;
  /** As the exporter counted; undefined in a file of calicoctl's. */
  readonly sums: Readonly<Record<string, Sum>> | undefined;
  /** Plurals of kinds in it that do not move, such as Calico's Nodes, with how many there are. */
  readonly left: ReadonlyMap<string, number>;
}

/** Address management's kinds in the third part, by field. */
const IPAM_FIELDS = { block_affinities: 'blockaffinities', blocks: 'ipamblocks', handles: 'ipamhandles' } as const;

/**
 * The file that `calicoctl datastore migrate export` writes, too: resources as YAML, ClusterInformation as JSON and
 * address management in etcd's own form as JSON, separated by lines of `===`.
 */
export function formatExport({ contents, information }: Pick<ExportFile, 'contents' | 'information'>): string {
  const resources = MIGRATED_KINDS.filter(isResource).flatMap((kind) => {
    const items = (contents.get(kind.plural) ?? []).map((object) => ({
      apiVersion: API_VERSION,
      kind: kind.kind,
      ...transferable(kind, object),
    }));
    if (items.length === 0) return [];
    return [`${stringify({ apiVersion: API_VERSION, items, kind: `${kind.kind}List`, metadata: {} }, STYLE)}---\n`];
  });
  const head = `# Calico's resources and address blocks, from sluice datastore migrate export.\n${SUMS}${JSON.stringify(sumsOf(contents))}\n`;
  const cluster = {
    kind: 'ClusterInformation',
    apiVersion: API_VERSION,
    metadata: { name: 'default' },
    spec: information,
  };
  return [
    `${head}${resources.join('')}`,
    `${JSON.stringify(cluster, null, 2)}\n`,
    `${JSON.stringify(ipamOf(contents), null, 2)}\n`,
  ].join('===\n');
}

/** Long lines stay whole: a value is compared byte by byte. */
const STYLE = { lineWidth: 0, aliasDuplicateObjects: false } as const;

/** Address management's kinds but pools have an own part of the file. */
function isResource({ plural }: MigratedKind): boolean {
  return plural !== 'ipamconfigs' && !Object.values<string>(IPAM_FIELDS).includes(plural);
}

function ipamOf(contents: Contents): object {
  const entries = (plural: string): readonly object[] => {
    const kind = MIGRATED_KINDS.find((each) => each.plural === plural)!;
    const layout = layoutOf(kind);
    return (contents.get(plural) ?? []).map((object) => {
      const moved = transferable(kind, object);
      return { Key: layout.keyOf(moved), Value: sorted(JSON.parse(layout.encode(moved))), TTL: 0 };
    });
  };
  const [config] = entries('ipamconfigs');
  return {
    ...Object.fromEntries(Object.entries(IPAM_FIELDS).map(([field, plural]) => [field, entries(plural)])),
    ...(config === undefined ? {} : { config }),
  };
}

/** Inverse of {@link formatExport}; reads calicoctl's files, too. Throws SluiceError `bad-input` that says what is wrong. */
export function parseExport(text: string): ExportFile {
  const parts = text.split(/^===$\n?/m);
  if (parts.length !== 3)
    throw bad(
      `it has ${parts.length} parts separated by lines of ===, and an export has three: resources, ClusterInformation and address blocks`,
    );
  const [resources, cluster, ipam] = parts as [string, string, string];
  const contents = new Map<string, StoredObject[]>();
  const left = new Map<string, number>();
  for (const object of readResources(resources)) {
    const kind = MIGRATED_KINDS.find((each) => isResource(each) && each.kind === object.kind);
    if (kind === undefined) left.set(object.kind ?? '?', (left.get(object.kind ?? '?') ?? 0) + 1);
    else if (!isDerived(kind.plural, object.metadata.name)) add(contents, kind.plural, transferable(kind, object));
  }
  for (const [plural, object] of readIpam(ipam)) add(contents, plural, object);
  const line = resources.split('\n').find((each) => each.startsWith(SUMS));
  const sums = line === undefined ? undefined : (json(line.slice(SUMS.length), 'the sums') as Record<string, Sum>);
  const spec = ((json(cluster, 'the second part') as { spec?: object } | null)?.spec ?? {}) as Record<string, unknown>;
  const { datastoreReady: _, ...information } = spec;
  return { contents, information, sums, left };
}

function readResources(text: string): readonly StoredObject[] {
  const objects: StoredObject[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) throw bad(`the first part is not YAML: ${error.message}`);
    const value = document.toJS() as (StoredObject & { items?: readonly StoredObject[] }) | null;
    if (value === null) continue;
    // What a list has may come without its kind.
    const kind = String(value.kind).replace(/List$/, '');
    objects.push(...(value.items?.map((item) => ({ kind, ...item })) ?? [value]));
  }
  for (const { kind = 'object', metadata } of objects)
    if (typeof metadata?.name !== 'string') throw bad(`the first part has a ${kind} without a name`);
  return objects;
}

interface Entry {
  readonly Key?: unknown;
  readonly Value?: unknown;
}

function* readIpam(text: string): Generator<readonly [plural: string, object: StoredObject]> {
  const fields = json(text, 'the third part') as Readonly<Record<string, unknown>> | null;
  const lists = Object.entries({ ...IPAM_FIELDS, config: 'ipamconfigs' });
  for (const [field, plural] of lists) {
    const value = fields?.[field] ?? [];
    const entries = (Array.isArray(value) ? value : [value]) as readonly Entry[];
    const kind = MIGRATED_KINDS.find((each) => each.plural === plural)!;
    for (const { Key, Value } of entries) {
      const object = typeof Key === 'string' ? layoutOf(kind).decode(Key, JSON.stringify(Value)) : undefined;
      if (object === undefined) throw bad(`the third part has something else than one of ${plural} at ${String(Key)}`);
      yield [plural, transferable(kind, object)];
    }
  }
}

function add(contents: Map<string, StoredObject[]>, plural: string, object: StoredObject): void {
  const list = contents.get(plural) ?? [];
  list.push(object);
  contents.set(plural, list);
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw bad(`${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function bad(what: string): SluiceError<'bad-input'> {
  return new SluiceError('bad-input', `this is not the export of a datastore: ${what}`);
}
