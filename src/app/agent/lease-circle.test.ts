import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { parseCidr } from '../../base/ip/index.ts';
import { LEASE_NAMESPACE } from '../../core/announce/index.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { LEASES, NODES } from '../../host/kube-client/resources.ts';
import type { KubeObject, ObjectName, PatchKind, PatchOptions, Resource } from '../../host/kube-client/types.ts';
import { LeaseCircle } from './lease-circle.ts';

const SUBNETS = '{"eth0":["192.0.2.1/24"]}';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Node `own` in a circle with `other`, which the test renews. */
class Scene extends MemoryKubeClient {
  /** Whether writes come through. */
  writable = true;
  readonly circle: LeaseCircle;
  #renewals = 0;

  constructor() {
    super();
    this.circle = new LeaseCircle('own', {
      client: this,
      log: silentLogger,
      interfaces: () => [{ name: 'eth0', subnets: [parseCidr('192.0.2.1/24')!] }],
      onLook: () => undefined,
    });
  }

  override patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options?: PatchOptions,
  ): Promise<T> {
    return this.writable
      ? super.patch<T>(resource, name, kind, body, options)
      : Promise.reject(new Error('no way to the API'));
  }

  async renewOther(): Promise<void> {
    const metadata = { name: 'other', namespace: LEASE_NAMESPACE, annotations: { 'sluice.dev/subnets': SUBNETS } };
    const lease = { metadata, spec: { renewTime: `2001-01-01T00:00:${++this.#renewals}.000000Z` } } as object;
    await (this.#renewals === 1 ? this.create(LEASES, lease) : this.update(LEASES, lease)).catch(() =>
      this.create(LEASES, lease),
    );
  }

  async leases(): Promise<readonly string[]> {
    const { items } = await this.list<{ metadata: { name: string } }>(LEASES, { namespace: LEASE_NAMESPACE });
    return items.map(({ metadata }) => metadata.name).toSorted();
  }

  /** Lets `seconds` pass, in which the other node goes on renewing or not. */
  async pass(seconds: number, other: 'lives' | 'is silent'): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      if (other === 'lives') await this.renewOther();
      await vi.advanceTimersByTimeAsync(1000);
    }
  }

  get members(): readonly string[] {
    return this.circle
      .members()
      .map(({ node }) => node)
      .toSorted();
  }
}

describe('the circle of nodes', () => {
  it('has whoever renews its Lease, by whatever clock, and the Lease belongs to the Node', async () => {
    const made = new Scene();
    await made.create(NODES, { metadata: { name: 'own' } });
    await made.pass(5, 'lives');
    expect(made.members).toEqual(['other', 'own']);
    const [own] = made.circle.members().filter(({ node }) => node === 'own');
    expect(own!.subnets).toBe(SUBNETS);
    const { metadata } = await made.get<{ metadata: object }>(LEASES, { namespace: LEASE_NAMESPACE, name: 'own' });
    expect(metadata).toMatchObject({ ownerReferences: [{ kind: 'Node', name: 'own' }] });
    await made.circle.stop(true);
    await expect(made.get(LEASES, { namespace: LEASE_NAMESPACE, name: 'own' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('loses a node that is silent for as long as a Lease lasts, and not before', async () => {
    const made = new Scene();
    await made.create(NODES, { metadata: { name: 'own' } });
    await made.pass(5, 'lives');
    await made.pass(12, 'is silent');
    expect(made.members).toEqual(['other', 'own']);
    await made.pass(5, 'is silent');
    expect(made.members).toEqual(['own']);
    await made.pass(2, 'lives');
    expect(made.members).toEqual(['other', 'own']);
    await made.circle.stop(false);
  });

  it('takes the Lease of a dead node away, lest whoever starts believe in it; not that of a node that it lost sight of', async () => {
    const made = new Scene();
    await made.create(NODES, { metadata: { name: 'own' } });
    await made.pass(5, 'lives');
    made.writable = false;
    await made.pass(30, 'is silent');
    expect(await made.leases()).toEqual(['other', 'own']);
    made.writable = true;
    await made.pass(10, 'is silent');
    expect(await made.leases()).toEqual(['own']);
    await made.pass(2, 'lives');
    expect(made.members).toEqual(['other', 'own']);
    await made.circle.stop(false);
  });

  it('is nobody’s for a node that cannot renew, sooner than the others take over, until it can', async () => {
    const made = new Scene();
    await made.create(NODES, { metadata: { name: 'own' } });
    await made.pass(5, 'lives');
    made.writable = false;
    await made.pass(11, 'lives');
    expect(made.members).toEqual([]);
    made.writable = true;
    await made.pass(5, 'lives');
    expect(made.members).toEqual(['other', 'own']);
    await made.circle.stop(false);
  });

  it('is not entered by the Lease of a former life', async () => {
    const made = new Scene();
    made.writable = false;
    await made.create(LEASES, {
      metadata: { name: 'own', namespace: LEASE_NAMESPACE },
      spec: { renewTime: '2001-01-01T00:00:00.000000Z' },
    } as object);
    await made.pass(3, 'lives');
    expect(made.members).toEqual([]);
    await made.circle.stop(false);
  });
});
