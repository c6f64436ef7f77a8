import { expect, it } from 'vitest';
import { answerCni, decodeReply } from '../../core/cni/index.ts';
import type { CniResult } from '../../core/cni/index.ts';
import { AttachmentService } from './attachment-service.ts';
import { memoryEndpointStore } from './endpoint-store.ts';

/** Attachments of which none is ever made. */
class NoAttachments extends AttachmentService {
  override remove(): Promise<void> {
    return Promise.resolve();
  }

  protected override attach(): Promise<CniResult> {
    return Promise.reject(new Error('nothing is attached here'));
  }

  protected override inspect(): void {}
}

it('has the runtime ask for CHECK again while the agent is not ready', async () => {
  const service = new NoAttachments({
    store: memoryEndpointStore(),
    filter: { apply: () => undefined, flush: () => undefined },
    ready: () => Promise.reject(new Error('waiting for the API server')),
    assertHealthy: () => undefined,
  });
  const request = { command: 'CHECK', containerId: 'c', netns: '/n', ifname: 'eth0', args: '', path: '' };
  const config = { cniVersion: '1.0.0', name: 'net', type: 'sluice' };
  expect(decodeReply(await answerCni(JSON.stringify({ ...request, config }), service))).toMatchObject({
    error: { code: 11, msg: 'the agent is not ready: waiting for the API server' },
  });
});
