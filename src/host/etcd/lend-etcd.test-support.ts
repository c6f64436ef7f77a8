import { afterAll, beforeAll } from 'vitest';
import { EtcdServer } from './etcd.test-support.ts';
import type { Etcd } from './types.ts';

/** An etcd and a client of it, for all tests of the file that calls this; `take` gets them before the first one. */
export function lendEtcd(take: (lent: { readonly server: EtcdServer; readonly etcd: Etcd }) => void): void {
  let server: EtcdServer | undefined;
  let etcd: Etcd | undefined;
  beforeAll(async () => {
    server = await EtcdServer.start();
    etcd = server.client();
    take({ server, etcd });
  });
  afterAll(async () => {
    etcd?.close();
    await server?.[Symbol.asyncDispose]();
  });
}
