import { describe, expect, it } from 'vitest';
import type { Service } from '../kube/types.ts';
import { externalNames, namedServers } from './external-name.ts';
import { serversOf } from './servers.ts';

function alias(externalName: string, ports?: readonly object[]): Service {
  const spec = { type: 'ExternalName', externalName, ...(ports === undefined ? {} : { ports }) };
  return { metadata: { name: 'db', namespace: 'n' }, spec } as Service;
}

const KNOWN = new Map([
  ['db.example.test', { addresses: ['192.0.2.1', '192.0.2.2'] }],
  ['here.example.test', { addresses: ['192.0.2.1', '127.0.0.1'] }],
  ['cloud.example.test', { addresses: ['169.254.169.254'] }],
  ['gone.example.test', { problem: 'is not known' }],
]);
const servers = (service: Service, port: number | string = 80) => {
  const { endpoints, problem } = namedServers(service, { service: 'n/db', port }, KNOWN);
  return problem ?? endpoints.map(({ host, port: at }) => `${host} ${at}`);
};

describe('a Service of type ExternalName behind an Ingress', () => {
  it.each([
    ['at a number, without ports of its own', alias('db.example.test'), 8080, ['192.0.2.1 8080', '192.0.2.2 8080']],
    [
      'at the target of its port',
      alias('DB.example.test.', [{ name: 'http', port: 80, targetPort: 8443 }]),
      'http',
      ['192.0.2.1 8443', '192.0.2.2 8443'],
    ],
    ['by an address', alias('192.0.2.9'), 80, ['192.0.2.9 80']],
    ['while its name is being looked up', alias('new.example.test'), 80, []],
  ])('has servers %s', (_, service, port, expected) => {
    expect(servers(service, port)).toEqual(expected);
  });

  it.each([
    ['a name that leads to the proxy’s own machine', alias('here.example.test'), 80, '127.0.0.1'],
    ['a name that leads to what is only for machines', alias('cloud.example.test'), 80, '169.254.169.254'],
    ['the same as an address', alias('127.0.0.1'), 80, '127.0.0.1'],
    ['the same in the other family', alias('::ffff:127.0.0.1'), 80, 'own machine'],
    ['a name that nobody knows', alias('gone.example.test'), 80, 'gone.example.test is not known'],
    ['a port by name that it has not got', alias('db.example.test'), 'http', 'no TCP port http'],
    ['what is no name', alias('a b; c'), 80, "'a b; c' is neither"],
  ])('has none for %s', (_, service, port, words) => {
    expect(servers(service, port)).toContain(words);
  });

  it.each([
    ['a server of somebody else', [], true],
    ['a Service of the cluster, whose pods have policies', ['192.0.2.1'], undefined],
  ])('is asked in the name of the proxy only where it stands for %s', (_, clusterIPs, expected) => {
    const spec = { clusterIPs, ports: [{ port: 80 }] };
    const other = { metadata: { name: 'web', namespace: 'n' }, spec } as unknown as Service;
    const services = new Map([
      ['n/db', alias('db.example.test')],
      ['n/web', other],
    ]);
    const servers = serversOf({ service: 'n/db', port: 80 }, false, { services, slices: new Map(), names: KNOWN });
    expect(servers).toMatchObject({ external: 'db.example.test' });
    expect(servers.isElsewhere).toBe(expected);
    // The Service has no servers, and its own address is none.
    expect(servers.endpoints).toHaveLength(clusterIPs.length === 0 ? 2 : 1);
  });

  it('has its name looked up when an Ingress of ours names it, and only then', () => {
    const names = (className: string, service: string): unknown => {
      const backend = { service: { name: service, port: { number: 80 } } };
      const ingress = {
        metadata: { name: 'i', namespace: 'n' },
        spec: { ingressClassName: className, defaultBackend: backend },
      };
      const services = new Map([['n/db', alias('db.example.test.')]]);
      return [...externalNames({ ingresses: [ingress], classes: [], services, withoutClass: false })];
    };
    expect(names('sluice', 'db')).toEqual(['db.example.test']);
    expect(names('other', 'db')).toEqual([]);
    expect(names('sluice', 'web')).toEqual([]);
  });
});
