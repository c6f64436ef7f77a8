import { describe, expect, it } from 'vitest';
import { answerCni } from './dispatch.ts';
import type { AttachmentRequest, CniService } from './dispatch.ts';

const service: CniService = {
  add: (request) => Promise.reject(new Error(`no ${request.pod.name ?? 'name'}`)),
  del: () => Promise.resolve(),
  check: () => Promise.resolve(),
  gc: () => Promise.resolve(),
  status: () => Promise.resolve(),
};

const request = {
  command: 'ADD',
  containerId: 'c',
  netns: '/n',
  ifname: 'eth0',
  args: 'K8S_POD_NAMESPACE=a;K8S_POD_NAME=b=c',
  path: '',
  config: { cniVersion: '0.4.0', name: 'net', type: 'sluice' },
};

async function answer(line: string, overrides: Partial<CniService> = {}): Promise<unknown> {
  const reply = await answerCni(line, { ...service, ...overrides });
  expect(reply.endsWith('\n')).toBe(true);
  return JSON.parse(reply);
}

describe('answering the plugin', () => {
  it('turns what is thrown into an error in the version of the caller', async () => {
    expect(await answer(JSON.stringify(request))).toEqual({ error: { cniVersion: '0.4.0', code: 999, msg: 'no b=c' } });
  });

  it('hands the service a validated request', async () => {
    const seen: AttachmentRequest[] = [];
    const del = (item: AttachmentRequest): Promise<void> => Promise.resolve(void seen.push(item));
    expect(await answer(JSON.stringify({ ...request, command: 'DEL' }), { del })).toEqual({ ok: null });
    expect(seen[0]).toMatchObject({
      containerId: 'c',
      pod: { namespace: 'a', name: 'b=c' },
      config: { name: 'net', timeoutSeconds: 30 },
    });
  });

  it('undoes an attachment whose earlier result nobody can read, which no other request does', async () => {
    const config = { ...request.config, prevResult: { ips: [{ address: 'x' }] } };
    expect(await answer(JSON.stringify({ ...request, command: 'DEL', config }))).toEqual({ ok: null });
    for (const command of ['ADD', 'CHECK'])
      expect(await answer(JSON.stringify({ ...request, command, config }))).toMatchObject({ error: { code: 6 } });
  });

  it.each([
    ['', 6],
    ['null', 6],
    ['{"command":"VERSION"}', 6],
    ['{"command":"ADD","containerId":7}', 6],
    [JSON.stringify({ ...request, config: {} }), 1],
    [JSON.stringify({ ...request, args: 'x' }), 4],
    [JSON.stringify({ ...request, command: 'GC' }), 7],
  ])('refuses %j with code %i', async (line, code) => {
    expect(await answer(line)).toMatchObject({ error: { code } });
  });
});
