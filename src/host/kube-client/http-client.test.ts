import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hasCode } from '../../base/errors.ts';
import { httpKubeClient } from './http-client.ts';
import type { HttpKubeClient } from './http-client.ts';
import { informer } from './informer.ts';
import { CONFIG_MAPS } from './resources.ts';

const open: { server: Server; client: HttpKubeClient }[] = [];

/** A server that answers as `answer` says, standing for an API server's misbehaviour on the wire. */
async function serve(answer: (url: URL, response: ServerResponse) => void): Promise<HttpKubeClient> {
  const server = createServer((request, response) => answer(new URL(request.url ?? '/', 'http://x'), response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = httpKubeClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  open.push({ server, client });
  return client;
}

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close();
    server.closeAllConnections();
    server.close();
  }
});

const event = (type: string, name: string, resourceVersion: string): string =>
  `${JSON.stringify({ type, object: { metadata: { name, namespace: 'n', resourceVersion } } })}\n`;

describe('the HTTP client', () => {
  it('puts watch events together from pieces cut anywhere', async () => {
    const text = event('ADDED', 'schön', '1') + event('MODIFIED', 'schön', '2');
    const bytes = Buffer.from(text);
    const client = await serve((_, response) => {
      for (const byte of bytes) response.write(Buffer.from([byte]));
      response.end();
    });
    const seen: unknown[] = [];
    const stream = client.watch(CONFIG_MAPS, { resourceVersion: '0' }, new AbortController().signal);
    for await (const { type, object } of stream) seen.push([type, (object.metadata as { name: string }).name]);
    expect(seen).toEqual([
      ['ADDED', 'schön'],
      ['MODIFIED', 'schön'],
    ]);
  });

  it('turns an ERROR event into the error it carries', async () => {
    const client = await serve((_, response) => {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
    });
    const read = async (): Promise<void> => {
      for await (const _ of client.watch(CONFIG_MAPS, { resourceVersion: '1' }, new AbortController().signal)) break;
    };
    await expect(read()).rejects.toSatisfy((error) => hasCode(error, 'gone'));
  });

  it('says unavailable when nobody listens, and aborted when the caller gave up', async () => {
    const client = await serve(() => undefined);
    const stop = new AbortController();
    const waiting = client.get(CONFIG_MAPS, { namespace: 'n', name: 'x' }, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(waiting).rejects.toSatisfy((error) => hasCode(error, 'aborted'));
    const nobody = httpKubeClient({ server: 'http://127.0.0.1:1' });
    await expect(nobody.get(CONFIG_MAPS, { namespace: 'n', name: 'x' })).rejects.toSatisfy((e) =>
      hasCode(e, 'unavailable'),
    );
  });

  it('repeats what it may when the server has closed the connections that were kept, and nothing else', async () => {
    const seen: string[] = [];
    const used = new Set<object>();
    const client = await serve((_, response) => {
      const { req, socket } = response;
      seen.push(req.method!);
      // The server gives up every connection after one answer, without a word.
      const isUsed = used.has(socket!);
      used.add(socket!);
      if (isUsed) return void socket!.destroy();
      response.end(JSON.stringify({ metadata: { name: 'x', namespace: 'n' } }));
    });
    const get = (): Promise<unknown> => client.get(CONFIG_MAPS, { namespace: 'n', name: 'x' });
    const put = (resourceVersion?: string): Promise<unknown> =>
      client.update(CONFIG_MAPS, {
        metadata: { name: 'x', namespace: 'n', ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      });
    // Several connections, all of which are kept.
    await Promise.all([get(), get(), get()]);
    await get();
    await Promise.all([get(), get(), get()]);
    await put('5');
    await get();
    seen.length = 0;
    await expect(put()).rejects.toSatisfy((error) => hasCode(error, 'unavailable'));
    expect(seen).toEqual(['PUT']);
  });

  it('keeps the last known items while the server is away and reports the difference after a relist', async () => {
    const lists = [
      ['a', 'b'],
      ['b', 'c'],
    ];
    let round = 0;
    const stop = new AbortController();
    const client = await serve((url, response) => {
      if (url.searchParams.has('watch')) {
        if (round === 2) return void response.write(' ');
        return void response.writeHead(410).end(JSON.stringify({ kind: 'Status', reason: 'Expired', code: 410 }));
      }
      const items = (lists[round] ?? []).map((name) => ({ metadata: { name, namespace: 'n', resourceVersion: '5' } }));
      round++;
      response.end(JSON.stringify({ metadata: { resourceVersion: String(round) }, items }));
    });
    const deltas: string[] = [];
    const second = Promise.withResolvers<void>();
    const following = informer(
      client,
      CONFIG_MAPS,
      {
        project: () => true,
        onDelta: ({ kind, key }) => deltas.push(`${kind} ${key}`),
        onSynced: () => (round === 2 ? second.resolve() : undefined),
        backoff: 1,
      },
      stop.signal,
    );
    await second.promise;
    expect(deltas).toEqual(['set n/a', 'set n/b', 'delete n/a', 'set n/c']);
    stop.abort();
    await following.done;
  });
});
