import { silentLogger } from '../../base/log.ts';
import { memoryStore } from '../../host/sqlite/memory-store.ts';
import { startApiServer } from './start-api-server.ts';
import type { ApiServer } from './start-api-server.ts';

/** An embedded API server with its files in `stateDir`, on a port of its own, that forgets what it holds; what is given goes first. */
export function startTestApiServer(
  stateDir: string,
  options: Partial<Parameters<typeof startApiServer>[0]> = {},
  dependencies: Partial<Parameters<typeof startApiServer>[1]> = {},
): Promise<ApiServer> {
  return startApiServer(
    {
      stateDir,
      clusterName: 'test',
      port: 0,
      serviceCidrs: ['10.96.0.0/16'],
      advertise: { addresses: ['172.30.0.1'], port: 6443 },
      ...options,
    },
    { store: memoryStore(), log: silentLogger, kubeletSocket: () => undefined, ...dependencies },
  );
}
