import type { Pod, PodStatus } from 'kubernetes-types/core/v1.d.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../base/log.ts';
import { KubeError } from '../../../../host/kube-client/errors.ts';
import { MemoryKubeClient } from '../../../../host/kube-client/memory-client.ts';
import { PODS } from '../../../../host/kube-client/resources.ts';
import type { KubeObject } from '../../../../host/kube-client/types.ts';
import { StatusWriter } from './status-writer.ts';

const NAME = { namespace: 'default', name: 'web' };

/** An API that refuses the next writes with what lies in `refusals`. */
class RefusingClient extends MemoryKubeClient {
  readonly refusals: KubeError[] = [];
  patches = 0;

  override patch<T extends KubeObject>(...args: Parameters<MemoryKubeClient['patch']>): Promise<T> {
    this.patches++;
    const refusal = this.refusals.shift();
    return refusal === undefined ? super.patch<T>(...args) : Promise.reject(refusal);
  }
}

let client: RefusingClient;
let writer: StatusWriter;
/** What the containers of the pod are at. */
let message: string;

const pod = (): Promise<Pod> => client.get<Pod>(PODS, NAME);
const ready = (status: 'True' | 'False'): PodStatus => ({ message, conditions: [{ type: 'Ready', status }] });
const conflict = (): KubeError => new KubeError('conflict', 'the object has been modified');

beforeEach(async () => {
  client = new RefusingClient();
  const { metadata } = await client.create<Pod>(PODS, { metadata: NAME, spec: { containers: [] } });
  message = 'begun';
  writer = new StatusWriter({ ...NAME, uid: metadata?.uid ?? '' }, () => ready('True'), { client, log: silentLogger });
});

describe('the status of a pod', () => {
  it('is written again when somebody else has overwritten it, and only then', async () => {
    writer.changed();
    await writer.flushed();
    writer.saw(await pod());
    await writer.flushed();
    expect(client.patches).toBe(1);
    const marked = await client.updateStatus<Pod>(PODS, { ...(await pod()), status: ready('False') });
    writer.saw(marked);
    await writer.flushed();
    expect((await pod()).status).toEqual(ready('True'));
  });

  it('is not written again for a version from before the last write, nor for what others add elsewhere', async () => {
    const before = await pod();
    writer.changed();
    await writer.flushed();
    writer.saw(before);
    const { metadata, ...rest } = await pod();
    writer.saw(await client.update<Pod>(PODS, { ...rest, metadata: { ...metadata, labels: { run: 'web' } } }));
    await writer.flushed();
    expect(client.patches).toBe(1);
  });

  it('is tried again after a conflict that passes', async () => {
    client.refusals.push(conflict(), new KubeError('unavailable', 'the answer broke off'), conflict());
    writer.changed();
    await writer.flushed();
    expect((await pod()).status).toEqual(ready('True'));
  });

  it('is given up when the name is another pod’s by now, or nobody’s', async () => {
    await client.delete(PODS, NAME);
    await client.create<Pod>(PODS, { metadata: NAME, spec: { containers: [] } });
    client.refusals.push(conflict());
    writer.changed();
    await writer.flushed();
    expect(writer.gone.aborted).toBe(true);
    expect((await pod()).status).toBeUndefined();
  });

  it.each(Array.from({ length: 12 }, (_, turns) => turns))(
    'reaches the API when it changes %i turns after the last look for changes began',
    async (turns) => {
      writer.changed();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      message = 'over';
      writer.changed();
      await writer.flushed();
      expect((await pod()).status?.message).toBe('over');
    },
  );
});
