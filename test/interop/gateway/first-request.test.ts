import { expect, it } from 'vitest';
import { enterNetwork } from '../../../src/app/ingress/rig.test-support.ts';
import { startGatewayRig } from './gateway-rig.ts';

const allowed = enterNetwork();

it.runIf(allowed)(
  'leads a request by Gateway and HTTPRoute to the server behind a Service, and tells their status',
  async () => {
    await using rig = await startGatewayRig();
    await rig.service('v1', ['10.61.0.1']);
    await rig.apply(
      {
        kind: 'Gateway',
        metadata: { name: 'edge' },
        spec: { gatewayClassName: 'sluice', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
      },
      {
        kind: 'HTTPRoute',
        metadata: { name: 'first' },
        spec: {
          parentRefs: [{ name: 'edge' }],
          hostnames: ['first.example.test'],
          rules: [{ backendRefs: [{ name: 'v1', port: 8080 }] }],
        },
      },
    );
    const { seen } = await rig.expect(['first.example.test', '/some/path', '10.61.0.1']);
    expect(seen).toMatchObject({ 'x-forwarded-for': '10.60.0.1', 'x-forwarded-host': 'first.example.test' });
    await rig.expect(['other.example.test', '/', 404]);
    await rig.expectCondition('GatewayClass', 'sluice', 'Accepted', 'True');
    await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
    await rig.expectListener('edge', 'http', 'Programmed', 'True');
    await rig.expectCondition('HTTPRoute', 'first', 'Accepted', 'True');
    await rig.expectCondition('HTTPRoute', 'first', 'ResolvedRefs', 'True');
    const { status } = await rig.get('Gateway', 'edge');
    expect(status?.addresses).toEqual([{ type: 'IPAddress', value: '203.0.113.7' }]);
    expect(status?.listeners?.[0]).toMatchObject({ attachedRoutes: 1, supportedKinds: [{ kind: 'HTTPRoute' }] });
  },
);
