import { SluiceError, messageOf } from '../../../base/errors.ts';
import { isAlreadyExists, isConflict } from '../../../host/kube-client/errors.ts';
import { apiVersionOf } from '../../../host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../../host/kube-client/types.ts';
import type { ManifestObject } from './manifests.ts';

/** Creates `objects` in order; what is there already is brought up to date. */
export async function install(
  objects: readonly ManifestObject[],
  { client, resources }: { readonly client: KubeClient; readonly resources: () => readonly Resource[] },
): Promise<void> {
  for (const object of objects) {
    try {
      await installOne(object, client, resources);
    } catch (error) {
      const { kind, metadata } = object;
      throw new SluiceError('start-failed', `installing ${kind} ${metadata.name}: ${messageOf(error)}`, {}, error);
    }
  }
}

async function installOne(
  object: ManifestObject,
  client: KubeClient,
  resources: () => readonly Resource[],
): Promise<void> {
  const resource = resources().find(
    (candidate) => candidate.kind === object.kind && apiVersionOf(candidate) === object.apiVersion,
  );
  if (resource === undefined) throw new SluiceError('bad-manifest', `unknown kind ${object.apiVersion} ${object.kind}`);
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { name, namespace } = object.metadata;
    const which = { name, ...(namespace === undefined ? {} : { namespace }) };
    await client.patch(resource, which, 'merge', object).catch((failure: unknown) => {
      if (!isConflict(failure)) throw failure;
    });
  }
}
