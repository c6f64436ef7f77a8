import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  HostPathVolumeSource,
  KeyToPath,
  Volume,
  VolumeProjection,
} from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import type { LiveFields } from '../pod/field-ref.ts';
import { fieldValue } from '../pod/field-ref.ts';
import type { ObjectData, ObjectSource } from '../pod/object-source.ts';
import type { NodePod } from '../pod/types.ts';
import type { VolumeFile } from './write-files.ts';
import { writeFiles } from './write-files.ts';

/** The pod whose volumes are made, and where their contents come from. */
export interface VolumeContext {
  readonly pod: NodePod;
  readonly live: LiveFields;
  readonly source: ObjectSource;
  /** The pod's own directory on the node. */
  readonly directory: string;
}

const DEFAULT_MODE = 0o644;

/**
 * Makes the pod's volumes ready on the node; returns name → path to be mounted. Throws `volume-failed` or
 * `config-missing` with the volume's name; safe to call again.
 */
export async function prepareVolumes(context: VolumeContext): Promise<ReadonlyMap<string, string>> {
  const entries = (context.pod.spec.volumes ?? []).map(async (volume) => {
    try {
      return [volume.name, await prepare(volume, context)] as const;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SluiceError('volume-failed', `volume "${volume.name}": ${reason}`, { volume: volume.name }, error);
    }
  });
  return new Map(await Promise.all(entries));
}

async function prepare(volume: Volume, context: VolumeContext): Promise<string> {
  if (volume.hostPath) return hostPath(volume.hostPath);
  const directory = join(context.directory, 'volumes', volume.name);
  const files = await filesOf(volume, context);
  if (files !== undefined) writeFiles(directory, files);
  else if (volume.emptyDir) mkdirSync(directory, { recursive: true });
  else throw new SluiceError('volume-failed', `the lab has no volumes of type ${typeOf(volume)}`);
  return directory;
}

function typeOf(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
}

async function filesOf(volume: Volume, context: VolumeContext): Promise<readonly VolumeFile[] | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const { source, pod } = context;
  if (configMap) {
    const data = await source.configMap(pod.namespace, configMap.name ?? '', configMap.optional ?? false);
    return selected(data, configMap);
  }
  if (secret) {
    const data = await source.secret(pod.namespace, secret.secretName ?? '', secret.optional ?? false);
    return selected(data, secret);
  }
  if (downwardAPI) return downward(downwardAPI.items ?? [], context, downwardAPI.defaultMode ?? DEFAULT_MODE);
  if (!projected) return undefined;
  const mode = projected.defaultMode ?? DEFAULT_MODE;
  return (await Promise.all((projected.sources ?? []).map((part) => projection(part, context, mode)))).flat();
}

async function projection(
  { configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection,
  context: VolumeContext,
  defaultMode: number,
): Promise<readonly VolumeFile[]> {
  const { pod, source } = context;
  if (serviceAccountToken) {
    const { audience, expirationSeconds = 3600, path } = serviceAccountToken;
    const token = await source.token({
      namespace: pod.namespace,
      serviceAccount: pod.spec.serviceAccountName ?? 'default',
      expirationSeconds,
      pod,
      ...(audience === undefined ? {} : { audience }),
    });
    return [{ path, content: Buffer.from(token), mode: defaultMode }];
  }
  if (downwardAPI) return downward(downwardAPI.items ?? [], context, defaultMode);
  const kind = configMap ? 'configMap' : 'secret';
  const ref = configMap ?? secret;
  if (ref === undefined) return [];
  const data = await source[kind](pod.namespace, ref.name ?? '', ref.optional ?? false);
  return selected(data, { ...(ref.items === undefined ? {} : { items: ref.items }), defaultMode });
}

/** The files of a ConfigMap or Secret: those of `items` under their paths, or every key. */
function selected(
  data: ObjectData | undefined,
  {
    items,
    defaultMode = DEFAULT_MODE,
    optional = false,
  }: Pick<ConfigMapVolumeSource, 'items' | 'defaultMode' | 'optional'>,
): readonly VolumeFile[] {
  if (data === undefined) return [];
  if (items === undefined || items.length === 0)
    return [...data].map(([path, content]) => ({ path, content, mode: defaultMode }));
  return items.flatMap(({ key, path, mode = defaultMode }: KeyToPath) => {
    const content = data.get(key);
    if (content !== undefined) return [{ path, content, mode }];
    if (optional) return [];
    throw new SluiceError('config-missing', `references non-existent config key: ${key}`);
  });
}

function downward(
  items: readonly DownwardAPIVolumeFile[],
  { pod, live }: VolumeContext,
  defaultMode: number,
): readonly VolumeFile[] {
  return items.map(({ path, fieldRef, mode = defaultMode }) => {
    const value = fieldRef === undefined ? '' : (fieldValue(pod.pod, fieldRef.fieldPath, live) ?? '');
    return { path, content: Buffer.from(value), mode };
  });
}

/** Checks or makes a path of the node, as `hostPath.type` says. */
function hostPath({ path, type = '' }: HostPathVolumeSource): string {
  if (type === 'DirectoryOrCreate' || (type === '' && !existsSync(path))) mkdirSync(path, { recursive: true });
  if (type === 'FileOrCreate' && !existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a'));
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new SluiceError('volume-failed', `hostPath ${path} does not exist`);
  const fits =
    type === '' ||
    (type.startsWith('Directory') && stat.isDirectory()) ||
    (type.startsWith('File') && stat.isFile()) ||
    (type === 'Socket' && stat.isSocket()) ||
    (type === 'CharDevice' && stat.isCharacterDevice()) ||
    (type === 'BlockDevice' && stat.isBlockDevice());
  if (!fits) throw new SluiceError('volume-failed', `hostPath ${path} is not a ${type}`);
  return path;
}
