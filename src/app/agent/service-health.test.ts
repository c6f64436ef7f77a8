import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { ServiceSpec, SliceSpec } from '../../core/service/model.ts';
import { ServiceHealth } from './service-health.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('tells load balancers whether the node has ready endpoints, as kube-proxy does', async () => {
  const port = await freePort();
  const web: ServiceSpec = {
    key: 'default/web',
    addresses: [],
    clusterIps: [],
    ports: [{ name: '', protocol: 'TCP', port: 80 }],
    externalLocal: true,
    healthPort: port,
  };
  const services = [web];
  const slices: SliceSpec[] = [];
  const endpoint = (ip: string, node: string, ready: boolean) => ({ address: parseIp(ip)!, node, ready });
  let healthy = true;
  const health = new ServiceHealth('node-1', {
    services: () => services,
    slices: () => slices,
    healthy: () => healthy,
    log: silentLogger,
  });
  onTestFinished(() => health.stop());
  const asked = async () => {
    health.settle();
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    return [answer.status, answer.headers.get('x-load-balancing-endpoint-weight'), await answer.json()];
  };
  const told = (localEndpoints: number, serviceProxyHealthy = true) => ({
    service: { namespace: 'default', name: 'web' },
    localEndpoints,
    serviceProxyHealthy,
  });
  expect(await asked()).toEqual([503, '0', told(0)]);
  slices.push({
    key: 'default/web-1',
    service: 'default/web',
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    // One here is ready, one terminates, one is elsewhere.
    endpoints: [
      endpoint('10.244.0.1', 'node-1', true),
      endpoint('10.244.0.2', 'node-1', false),
      endpoint('10.244.1.1', 'node-2', true),
    ],
  });
  expect(await asked()).toEqual([200, '1', told(1)]);
  // Of a dual-stack Service the same pods again, by their addresses of the other family.
  slices.push({
    key: 'default/web-2',
    service: 'default/web',
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: [endpoint('fd00:10:244::1', 'node-1', true), endpoint('fd00:10:244::2', 'node-1', true)],
  });
  expect(await asked()).toEqual([200, '2', told(2)]);
  slices.pop();
  healthy = false;
  expect(await asked()).toEqual([503, '1', told(1, false)]);
  services.pop();
  health.settle();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});
