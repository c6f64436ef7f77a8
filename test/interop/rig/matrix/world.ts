import { TestCluster, eventually } from '../../../../src/app/agent/cluster.test-support.ts';
import type { TestPod } from '../../../../src/app/agent/cluster.test-support.ts';
import type { Family } from '../../../../src/base/ip/index.ts';
import { FELIX_CONFIGURATIONS, IP_POOLS } from '../../../../src/host/kube-client/resources.ts';
import type { Resource } from '../../../../src/host/kube-client/types.ts';
import { startRouterBird } from './router-bird.ts';
import type { Shape } from './shapes.ts';

const [FELIX] = FELIX_CONFIGURATIONS as readonly [Resource, ...Resource[]];
/** For what is to become true; emulated machines are slow. Milliseconds. */
export const PATIENCE = 120_000;
/** Of everything that serves. */
export const PORT = 8080;

const RANGES: Readonly<Record<Family, readonly string[]>> = { 4: ['10.244.0.0/16'], 6: ['fd00:10:244::/56'] };
/** Parts of the segments' own. */
const SEGMENT_RANGES: Readonly<Record<Family, readonly string[]>> = {
  4: ['172.30.1.128/25', '172.30.2.128/25'],
  6: ['fd00:30:1:0:1::/80', 'fd00:30:2:0:1::/80'],
};

/**
 * Three nodes with pods that answer their name and the address that they are asked from: two on segment a, and the third
 * on segment b where the backend goes there.
 */
export class World implements AsyncDisposable {
  readonly shape: Shape;
  readonly cluster: TestCluster;
  readonly #stack: AsyncDisposableStack;
  /** On n1, which all is seen from. */
  first!: TestPod;
  /** On n1 too. */
  beside!: TestPod;
  /** On n2. */
  near!: TestPod;
  /** On n3. */
  far!: TestPod;

  private constructor(shape: Shape, cluster: TestCluster, stack: AsyncDisposableStack) {
    this.shape = shape;
    this.cluster = cluster;
    this.#stack = stack;
  }

  static async create(shape: Shape): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const { backend, families, onSegment, poolSpec } = shape;
    const cluster = stack.use(
      await TestCluster.create({
        backend,
        families,
        pools: [],
        ...(onSegment ? { adapt: (options) => ({ ...options, macvlan: { mode: 'bridge' } }) } : {}),
      }),
    );
    for (const family of families)
      for (const [i, cidr] of (onSegment ? SEGMENT_RANGES : RANGES)[family].entries()) {
        const nodeSelector = onSegment ? `kubernetes.io/hostname ${i === 0 ? '!=' : '=='} 'n3'` : 'all()';
        const spec = { cidr, nodeSelector, natOutgoing: !onSegment, ...poolSpec(family) };
        await cluster.client.create(IP_POOLS, { metadata: { name: `pool-${family}-${i}` }, spec } as object);
      }
    if (backend === 'none') stack.use(await startRouterBird(cluster));
    if (shape.wireguard) {
      const spec = { wireguardEnabled: families.includes(4), wireguardEnabledV6: families.includes(6) };
      await cluster.client.create(FELIX, { metadata: { name: 'default' }, spec } as object);
    }
    const world = new World(shape, cluster, stack.move());
    try {
      await world.#populate();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #populate(): Promise<void> {
    const { cluster, shape } = this;
    await Promise.all([
      cluster.addNode('n1', 'a', { number: 11 }),
      cluster.addNode('n2', 'a', { number: 12 }),
      cluster.addNode('n3', shape.crosses ? 'b' : 'a', { number: 13 }),
    ]);
    this.first = await cluster.addPod('n1', 'first');
    this.beside = await this.servingPod('n1', 'beside');
    this.near = await this.servingPod('n2', 'near');
    this.far = await this.servingPod('n3', 'far');
  }

  async servingPod(node: string, name: string): Promise<TestPod> {
    const pod = await this.cluster.addPod(node, name);
    this.cluster.serve(pod, 6);
    return pod;
  }

  /** The address of the family; undefined where pods have none. */
  addressOf({ ips }: TestPod, family: Family): string {
    return ips.find((ip) => ip.includes(':') === (family === 6))!;
  }

  /** Until `answer` is what is answered over TCP; says what came instead. */
  async hears(netns: string, address: string, answer: string | RegExp, port = PORT): Promise<void> {
    const pattern = typeof answer === 'string' ? new RegExp(`^${answer}$`, 'u') : answer;
    let heard = '';
    // The first try may well come too early, and the last ones be slow.
    let seconds = 1;
    const ask = async (): Promise<boolean> => {
      const command = ['busybox', 'timeout', String(seconds), 'busybox', 'nc', address, String(port)];
      seconds = Math.min(seconds + 1, 5);
      heard = (await this.cluster.run(netns, command)).output.replace('::ffff:', '');
      return pattern.test(heard);
    };
    await eventually(ask, PATIENCE).catch((cause: unknown) => {
      throw new Error(`${address} port ${port} answers '${heard}' rather than ${pattern}`, { cause });
    });
  }

  /** Whether an echo request is answered soon. */
  async pings(from: TestPod, address: string): Promise<boolean> {
    return (await this.cluster.run(from.netns, ['ping', '-n', '-c', '1', '-W', '0.5', address])).code === 0;
  }

  /** Until `to` is reached from `from` at each of its addresses, and sees who asks. */
  async connects(from: TestPod, to: TestPod): Promise<void> {
    await Promise.all(
      this.shape.families.map((family) =>
        this.hears(from.netns, this.addressOf(to, family), `${to.name} ${this.addressOf(from, family)}`),
      ),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
