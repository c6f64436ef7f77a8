import { describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../app/apiserver/definitions.ts';
import { testApi, type TestApi } from '../api.test-support.ts';
import { internalWrite } from '../api-context.ts';
import { draftOf, type ApiObject } from '../api-object.ts';
import { remove } from './delete.ts';
import { list } from './list.ts';
import { patch } from './patch.ts';
import { bind, setScale } from './subresources.ts';
import { update } from './update.ts';

const definitions = loadDefinitions();
const POD = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const pod = (name: string, more: object = {}): object => ({ ...POD, metadata: { name, ...more } });
const configMap = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
});
const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
const open = (settings?: Parameters<typeof testApi>[1]): TestApi => testApi(definitions, settings);
const failure = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no failure';
};

describe('deleting', () => {
  it('waits for finalizers and ends with the last of them', () => {
    const api = open();
    api.create(configMap('held', { finalizers: ['a/x', 'a/y'] }));
    const target = api.target('ConfigMap', 'held');
    expect(remove(api.context, target, {}).removed).toBe(false);
    const marked = draftOf(api.stored('ConfigMap', 'held')!);
    expect(marked.metadata.deletionTimestamp).toBe('2026-01-01T12:00:00Z');
    const withFinalizers = (finalizers: string[]): ApiObject => {
      const draft = draftOf(api.stored('ConfigMap', 'held')!);
      draft.metadata.finalizers = finalizers;
      return draft;
    };
    expect(
      failure(() => update(api.context, target, withFinalizers(['a/x', 'a/y', 'a/z']), 'main', internalWrite())),
    ).toContain('no new finalizers can be added if the object is being deleted');
    update(api.context, target, withFinalizers(['a/y']), 'main', internalWrite());
    expect(api.stored('ConfigMap', 'held')).toBeDefined();
    update(api.context, target, withFinalizers([]), 'main', internalWrite());
    expect(api.stored('ConfigMap', 'held')).toBeUndefined();
  });

  it.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ])('with propagation %s leaves the dependents to the garbage collector', (propagationPolicy, finalizers) => {
    const api = open();
    api.create(configMap('owner'));
    expect(remove(api.context, api.target('ConfigMap', 'owner'), { propagationPolicy }).removed).toBe(false);
    expect(api.stored('ConfigMap', 'owner')?.metadata.finalizers).toEqual(finalizers);
  });

  it('gives a scheduled pod its grace, which may be shortened but never lengthened', () => {
    const api = open();
    api.create(pod('p'));
    const target = api.target('Pod', 'p');
    bind(api.context, target, { target: { name: 'node-1' } });
    remove(api.context, target, { gracePeriodSeconds: 20 });
    api.tick(5);
    remove(api.context, target, { gracePeriodSeconds: 60 });
    expect(api.stored('Pod', 'p')?.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T12:00:20Z',
      deletionGracePeriodSeconds: 20,
    });
    remove(api.context, target, { gracePeriodSeconds: 1 });
    expect(api.stored('Pod', 'p')?.metadata.deletionTimestamp).toBe('2026-01-01T12:00:06Z');
    expect(remove(api.context, target, { gracePeriodSeconds: 0 }).removed).toBe(true);
  });

  it('refuses when a precondition no longer holds', () => {
    const api = open();
    const { revision } = api.create(configMap('a'));
    const target = api.target('ConfigMap', 'a');
    expect(failure(() => remove(api.context, target, { preconditions: { uid: 'other' } }))).toContain(
      'Precondition failed: UID',
    );
    expect(
      failure(() => remove(api.context, target, { preconditions: { resourceVersion: String(revision - 1) } })),
    ).toContain('Precondition failed: ResourceVersion');
    expect(remove(api.context, target, { preconditions: { resourceVersion: String(revision) } }).removed).toBe(true);
  });
});

describe('namespaces of the cluster itself', () => {
  it('cannot be deleted', () => {
    const api = open();
    expect(failure(() => remove(api.context, api.target('Namespace', 'default'), {}))).toBe(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
  });
});

describe('updating', () => {
  it('counts generations by spec alone and keeps the version when nothing changes', () => {
    const api = open();
    const spec = {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: POD.spec },
    };
    const { revision } = api.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
    const target = api.target('Deployment', 'd');
    const same = update(api.context, target, draftOf(api.stored('Deployment', 'd')!), 'main', internalWrite());
    expect(same.revision).toBe(revision);
    patch(
      api.context,
      target,
      'merge',
      { metadata: { labels: { x: 'y' } }, status: { replicas: 9 } },
      'main',
      internalWrite(),
    );
    expect(api.stored('Deployment', 'd')).toMatchObject({ metadata: { generation: 1, labels: { x: 'y' } } });
    expect(api.stored('Deployment', 'd')?.['status']).toBeUndefined();
    patch(api.context, target, 'merge', { spec: { replicas: 2 }, status: { replicas: 2 } }, 'status', internalWrite());
    expect(api.stored('Deployment', 'd')).toMatchObject({
      metadata: { generation: 1 },
      spec: { replicas: 1 },
      status: { replicas: 2 },
    });
    setScale(api.context, target, 'merge', { spec: { replicas: 5 } }, internalWrite());
    expect(api.stored('Deployment', 'd')).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } });
  });

  it('keeps what allocation gave a service, and gives node ports back with the type', () => {
    const api = open();
    api.create(service('s', { type: 'NodePort' }));
    const before = api.stored('Service', 's')!['spec'] as { clusterIP: string; ports: { nodePort: number }[] };
    const target = api.target('Service', 's');
    const again = { ...(service('s', { type: 'NodePort' }) as ApiObject) };
    update(api.context, target, draftOf(again), 'main', internalWrite());
    expect(api.stored('Service', 's')!['spec']).toMatchObject({
      clusterIP: before.clusterIP,
      ports: [{ port: 80, nodePort: before.ports[0]!.nodePort }],
    });
    patch(api.context, target, 'strategic', { spec: { type: 'ClusterIP' } }, 'main', internalWrite());
    expect((api.stored('Service', 's')!['spec'] as typeof before).ports[0]!.nodePort).toBeUndefined();
  });
});

describe('allocating', () => {
  it('gives every service its own address until the range is full', () => {
    const api = open({ serviceCidrs: ['10.96.0.0/29'] });
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.create(service(name, {}));
    const taken = list(api.context, api.definition('Service'), {}).entries.map(
      (each) => (each.object['spec'] as { clusterIP: string }).clusterIP,
    );
    expect(taken.sort()).toEqual(['10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5', '10.96.0.6']);
    expect(failure(() => api.create(service('f', {})))).toContain('range is full');
    remove(api.context, api.target('Service', 'c'), {});
    api.create(service('f', {}));
  });

  it('says when all node ports are taken', () => {
    const api = open({ nodePortRange: { from: 30_000, to: 30_001 } });
    api.create(
      service('a', {
        type: 'NodePort',
        ports: [
          { name: 'x', port: 80 },
          { name: 'y', port: 81 },
        ],
      }),
    );
    expect(failure(() => api.create(service('b', { type: 'NodePort' })))).toContain('all of 30000-30001 are taken');
  });

  it('gives a load balancer under externalTrafficPolicy Local a port for questions, as long as it is that', () => {
    const api = open();
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
    api.create(service('a', spec));
    const portOf = (name: string) =>
      (api.stored('Service', name)!['spec'] as Record<string, unknown>)['healthCheckNodePort'];
    const port = portOf('a');
    expect(port).toBeGreaterThanOrEqual(30_000);
    expect(failure(() => api.create(service('b', { ...spec, healthCheckNodePort: port })))).toContain(
      'already allocated',
    );
    const change = (policy: string): void => {
      const patched = { spec: { externalTrafficPolicy: policy, ports: [{ port: 80, name: 'x' }] } };
      patch(api.context, api.target('Service', 'a'), 'merge', patched, 'main', internalWrite());
    };
    change('Local');
    expect(portOf('a')).toBe(port);
    change('Cluster');
    expect(portOf('a')).toBeUndefined();
  });

  it('drops what only the old kind of Service had a use for', () => {
    const api = open();
    const kept = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
    api.create(service('a', { externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local', ...kept }));
    const change = (spec: Record<string, string | boolean | null>): unknown => {
      patch(api.context, api.target('Service', 'a'), 'merge', { spec }, 'main', internalWrite());
      const { externalTrafficPolicy, sessionAffinityConfig } = api.stored('Service', 'a')!['spec'] as Record<
        string,
        unknown
      >;
      return [externalTrafficPolicy, sessionAffinityConfig];
    };
    expect(change({ externalIPs: null })).toEqual([undefined, kept.sessionAffinityConfig]);
    expect(change({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', sessionAffinity: 'None' })).toEqual([
      'Local',
      undefined,
    ]);
    expect(change({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })).toEqual(['Local', undefined]);
    expect(change({ type: 'ClusterIP' })).toEqual([undefined, undefined]);
  });

  describe('for a Service that requires both families', () => {
    const DUAL = ['10.96.0.0/29', 'fd00:10:96::/120'];
    const familiesOf = (api: TestApi, name: string) => {
      const { clusterIPs, ipFamilies } = api.stored('Service', name)!['spec'] as Record<string, string[]>;
      return [ipFamilies, clusterIPs?.map((address) => (address.includes(':') ? 'IPv6' : address))];
    };

    it('gives an address of each, headless or not, the first family first', () => {
      const api = open({ serviceCidrs: DUAL });
      api.create(service('a', { ipFamilyPolicy: 'RequireDualStack' }));
      api.create(service('b', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }));
      api.create(service('c', { ipFamilyPolicy: 'RequireDualStack', clusterIP: 'None' }));
      expect(familiesOf(api, 'a')).toEqual([
        ['IPv4', 'IPv6'],
        ['10.96.0.2', 'IPv6'],
      ]);
      expect(familiesOf(api, 'b')).toEqual([
        ['IPv6', 'IPv4'],
        ['IPv6', '10.96.0.3'],
      ]);
      expect(familiesOf(api, 'c')).toEqual([['IPv4', 'IPv6'], ['None']]);
    });

    it('keeps the address that it had while it requires one family alone, and gives the other back', () => {
      const api = open({ serviceCidrs: DUAL });
      api.create(service('a', {}));
      const change = (ipFamilyPolicy: string) =>
        patch(api.context, api.target('Service', 'a'), 'merge', { spec: { ipFamilyPolicy } }, 'main', internalWrite());
      const single = familiesOf(api, 'a');
      change('RequireDualStack');
      expect(familiesOf(api, 'a')).toEqual([
        ['IPv4', 'IPv6'],
        ['10.96.0.2', 'IPv6'],
      ]);
      change('SingleStack');
      expect(familiesOf(api, 'a')).toEqual(single);
    });

    it('refuses it in a cluster of one family, where preferring both is fine', () => {
      const api = open({ serviceCidrs: DUAL.slice(0, 1) });
      const refused =
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack';
      expect(failure(() => api.create(service('a', { ipFamilyPolicy: 'RequireDualStack' })))).toContain(refused);
      api.create(service('a', { ipFamilyPolicy: 'PreferDualStack' }));
      expect(familiesOf(api, 'a')).toEqual([['IPv4'], ['10.96.0.2']]);
    });
  });

  it('gives a headless service and an ExternalName none', () => {
    const api = open();
    api.create(service('headless', { clusterIP: 'None' }));
    api.create(service('elsewhere', { type: 'ExternalName', externalName: 'example.test' }));
    expect(api.stored('Service', 'headless')!['spec']).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] });
    expect(api.stored('Service', 'elsewhere')!['spec']).not.toHaveProperty('clusterIP');
  });
});

describe('paging', () => {
  it('meets every object once, also when some go and come meanwhile', () => {
    const api = open();
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.create(configMap(name));
    const definition = api.definition('ConfigMap');
    const first = list(api.context, definition, { namespace: 'default', limit: 2 });
    remove(api.context, api.target('ConfigMap', 'a'), {});
    remove(api.context, api.target('ConfigMap', 'd'), {});
    api.create(configMap('aa'));
    const rest = list(api.context, definition, { namespace: 'default', limit: 9, continue: first.continue! });
    expect([...first.entries, ...rest.entries].map((each) => each.name)).toEqual(['a', 'b', 'c', 'e']);
    expect(rest.revision).toBe(first.revision);
    expect(first.remaining).toBe(3);
  });

  it('refuses a token that is not its own', () => {
    const api = open();
    expect(failure(() => list(api.context, api.definition('Pod'), { continue: 'made up' }))).toContain(
      'continue key is not valid',
    );
  });
});
