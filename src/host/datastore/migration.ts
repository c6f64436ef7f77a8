import { SluiceError } from '../../base/errors.ts';
import { MIGRATED_KINDS, isDerived, planImport, sumsOf } from '../../core/datastore/index.ts';
import type { Contents, ExportFile, MigratedKind, StoredObject, Sum } from '../../core/datastore/index.ts';
import { isAlreadyExists, isNotFound } from '../kube-client/errors.ts';
import { listAll } from '../kube-client/list-all.ts';
import { CALICO_GROUP, CLUSTER_INFORMATIONS } from '../kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../kube-client/types.ts';

/** Writes of an import that are under way at once. */
const WIDTH = 16;
/** Names that a message tells; there may be thousands. */
const TOLD = 5;

interface ClusterInformation extends KubeObject {
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** What an import did. */
export interface ImportReport {
  readonly created: number;
  /** Were there already, as the file has them. */
  readonly present: number;
  /** Of what the datastore has now; equal to the file's. */
  readonly sums: Readonly<Record<string, Sum>>;
}

/** Whether the datastore says of itself that it must not be written (`datastoreReady: false`). */
export async function isLocked(client: KubeClient): Promise<boolean> {
  return (await clusterInformation(client))?.spec?.['datastoreReady'] === false;
}

/** Locks or unlocks; agents that watch it stop writing, or begin again. Returns whether that changed anything. */
export async function setLocked(client: KubeClient, locked: boolean): Promise<boolean> {
  const present = await clusterInformation(client);
  const spec = { datastoreReady: !locked };
  if (present === undefined) {
    await createInformation(client, spec);
    return locked;
  }
  if (present.spec?.['datastoreReady'] === !locked) return false;
  await client.patch(CLUSTER_INFORMATIONS, { name: 'default' }, 'merge', { spec });
  return true;
}

/** Everything in a locked datastore. Throws `not-locked`, and `still-written` when it changes while it is read. */
export async function exportDatastore(client: KubeClient): Promise<Pick<ExportFile, 'contents' | 'information'>> {
  const information = await clusterInformation(client);
  if (information?.spec?.['datastoreReady'] !== false)
    throw new SluiceError('not-locked', "the datastore is not locked: run 'sluice datastore migrate lock' first");
  const contents = await readContents(client);
  // What was under way when the lock was set may still arrive: nothing may be missing in the file.
  const again = await readContents(client);
  if (JSON.stringify(sumsOf(contents)) !== JSON.stringify(sumsOf(again)))
    throw new SluiceError(
      'still-written',
      'the datastore is locked and yet somebody writes to it: run the export again, and if this comes again, look for agents and controllers older than the lock',
    );
  const { datastoreReady: _, ...rest } = information.spec;
  return { contents, information: rest };
}

/**
 * Locks the datastore and creates what the file has and the datastore has not. Throws before it writes when the datastore
 * has anything that the file has not or has otherwise, and afterwards when what it has then differs from the file.
 */
export async function importDatastore(client: KubeClient, file: ExportFile): Promise<ImportReport> {
  await setLocked(client, true);
  const plan = planImport(file.contents, await readContents(client));
  if (plan.different.length + plan.foreign.length > 0) throw inTheWay(plan.different, plan.foreign);
  await assertServed(
    client,
    plan.create.map(({ kind }) => kind),
  );
  for (const kind of MIGRATED_KINDS) {
    const objects = plan.create.filter((each) => each.kind === kind).map(({ object }) => object);
    if (objects.length > 0) await createAll(client, await homeOf(client, kind), objects);
  }
  if (Object.keys(file.information).length > 0)
    await client.patch(CLUSTER_INFORMATIONS, { name: 'default' }, 'merge', { spec: file.information });
  const sums = sumsOf(await readContents(client));
  const expected = sumsOf(file.contents);
  const wrong = MIGRATED_KINDS.filter(({ plural }) => sums[plural]?.sha256 !== expected[plural]?.sha256);
  if (wrong.length > 0)
    throw new SluiceError(
      'not-the-same',
      `the datastore does not have what the file has: ${wrong.map(({ plural }) => plural).join(', ')} differ. Do not unlock it; its definitions may not know all fields`,
    );
  return { created: plan.create.length, present: plan.present, sums };
}

async function createInformation(client: KubeClient, spec: object): Promise<void> {
  try {
    await client.create(CLUSTER_INFORMATIONS, { metadata: { name: 'default' }, spec } as KubeObject);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SluiceError(
      'not-served',
      'the cluster has no definition of clusterinformations, where the lock is: apply deploy/sluice.yaml first',
      {},
      error,
    );
  }
}

async function clusterInformation(client: KubeClient): Promise<ClusterInformation | undefined> {
  try {
    return await client.get<ClusterInformation>(CLUSTER_INFORMATIONS, { name: 'default' });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function readContents(client: KubeClient): Promise<Contents> {
  const lists = await Promise.all(
    MIGRATED_KINDS.map(async (kind) => [kind.plural, await readKind(client, kind)] as const),
  );
  return new Map(lists);
}

/** What is in both groups counts as it stands in the first. */
async function readKind(client: KubeClient, kind: MigratedKind): Promise<readonly StoredObject[]> {
  const objects = new Map<string, StoredObject>();
  for (const resource of resourcesOf(kind).toReversed())
    for (const object of (await listIfServed(client, resource)) ?? [])
      if (!isDerived(kind.plural, object.metadata.name))
        objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  return [...objects.values()];
}

/** Where the kind's objects may be, best first. */
function resourcesOf({ plural, kind, namespaced, internal }: MigratedKind): readonly Resource[] {
  const own = { group: CALICO_GROUP, version: 'v1', plural, kind, namespaced };
  return internal ? [own] : [{ group: 'projectcalico.org', version: 'v3', plural, kind, namespaced }, own];
}

/** Undefined when the API does not have the kind at all. */
async function listIfServed(client: KubeClient, resource: Resource): Promise<readonly StoredObject[] | undefined> {
  try {
    return (await listAll<KubeObject>(client, resource)).items as unknown as readonly StoredObject[];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The first group in which the API has the kind. */
async function homeOf(client: KubeClient, kind: MigratedKind): Promise<Resource> {
  for (const resource of resourcesOf(kind)) if ((await listIfServed(client, resource)) !== undefined) return resource;
  throw new SluiceError('not-served', `the cluster has no definition of ${kind.plural}`);
}

async function assertServed(client: KubeClient, kinds: readonly MigratedKind[]): Promise<void> {
  const missing: string[] = [];
  for (const kind of new Set(kinds))
    await homeOf(client, kind).catch((error: unknown) => {
      if (!(error instanceof SluiceError) || error.code !== 'not-served') throw error;
      missing.push(kind.plural);
    });
  if (missing.length > 0)
    throw new SluiceError(
      'not-served',
      `the cluster has no definitions of ${missing.join(', ')}: apply deploy/sluice.yaml and deploy/policy-apis.yaml first`,
    );
}

async function createAll(client: KubeClient, resource: Resource, objects: readonly StoredObject[]): Promise<void> {
  const waiting = [...objects];
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      try {
        await client.create(resource, next as unknown as KubeObject);
      } catch (error) {
        // Somebody imports the same file at the same time; whether it is the same is found out at the end.
        if (!isAlreadyExists(error)) throw error;
      }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
}

function inTheWay(different: readonly string[], foreign: readonly string[]): SluiceError<'in-the-way'> {
  const some = (names: readonly string[]): string =>
    `${names.slice(0, TOLD).join(', ')}${names.length > TOLD ? ` and ${names.length - TOLD} more` : ''}`;
  const parts = [
    ...(different.length === 0 ? [] : [`has objects of the file otherwise (${some(different)})`]),
    ...(foreign.length === 0 ? [] : [`has objects that the file has not (${some(foreign)})`]),
  ];
  return new SluiceError(
    'in-the-way',
    `nothing was imported, because the datastore ${parts.join(' and ')}: remove them first`,
  );
}
