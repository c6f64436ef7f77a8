import { stripVTControlCharacters } from 'node:util';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OTHER_PORT, ROOT, eventually, variant, type TestCluster } from './harness.ts';

/** Steps that build on each other, within what runs side by side. */
const inOrder = { concurrent: false } as const;

/**
 * The guides' scenarios 1 to 6 and 8 on a running cluster, with the real kubectl; after every policy real packets are
 * compared with the prediction. Scenarios in namespaces of their own run side by side, as they mostly wait.
 */
export function describeScenarios(running: () => TestCluster): void {
  describe.concurrent('1: two namespaces', () => {
    const example = 'examples/1-two-namespaces';
    afterAll(() => running().clear('dev', 'pro'));

    it('reach each other without policies', inOrder, async () => {
      const cluster = running();
      await cluster.apply(`${example}/pods.yaml`);
      await cluster.ready('dev', 'pro');
      expect(await cluster.reaches('dev/client', 'pro/web', 80)).toBe(true);
      expect(await cluster.reaches('pro/client', 'dev/web')).toBe(true);
      await cluster.agrees('dev', 'pro');
    });

    it('are cut off in one direction by a default deny', inOrder, async () => {
      const cluster = running();
      await cluster.apply(`${example}/deny-ingress-to-pro.yaml`);
      const seen = await cluster.agrees('dev', 'pro');
      expect(seen.reaches('dev/client', 'pro/web', 80)).toBe(false);
      expect(seen.reaches('pro/client', 'pro/web', 80)).toBe(false);
      expect(seen.reaches('pro/client', 'dev/web', 80)).toBe(true);
    });

    it('are opened to one namespace on TCP 80, and to nothing else', inOrder, async () => {
      const cluster = running();
      await cluster.apply(`${example}/allow-dev-to-pro-on-80.yaml`);
      const seen = await cluster.agrees('dev', 'pro');
      expect(seen.reaches('dev/client', 'pro/web', 80)).toBe(true);
      expect(seen.reaches('dev/client', 'pro/web', OTHER_PORT)).toBe(false);
      expect(seen.reaches('dev/client', 'pro/web')).toBe(false);
      expect(seen.reaches('pro/client', 'pro/web', 80)).toBe(false);
    });

    it('obey policies for egress likewise', inOrder, async () => {
      const cluster = running();
      await cluster.ok('delete networkpolicy --all -n pro');
      await cluster.apply(`${example}/deny-egress-of-dev.yaml`);
      const seen = await cluster.agrees('dev', 'pro');
      expect(seen.reaches('dev/client', 'pro/web', 80)).toBe(false);
      expect(seen.reaches('pro/client', 'dev/web', 80)).toBe(true);
      await cluster.apply(`${example}/allow-dev-out-to-pro-on-80.yaml`);
      const opened = await cluster.agrees('dev', 'pro');
      expect(opened.reaches('dev/client', 'pro/web', 80)).toBe(true);
      expect(opened.reaches('dev/client', 'dev/web', 80)).toBe(false);
    });
  });

  describe.concurrent('in the namespace default, one after the other', () => {
    describe('2: pods made by hand, and a policy by label', inOrder, () => {
      afterAll(() => running().clear('default'));

      it('serve each other by name and answer pings before the policy', inOrder, async () => {
        const cluster = running();
        await cluster.ok('run nginx --image=nginx --labels=aa=aa1');
        await cluster.ok('run nginx2 --image=nginx --labels=bb=bb2');
        await cluster.ok('expose pod nginx --port=80 --type=NodePort');
        await cluster.ok('expose pod nginx2 --port=80 --type=NodePort');
        await cluster.ready('default');
        await session(cluster, '', { nginx: true, nginx2: true, ping: true });
      });

      it('are only reached with the right label, on TCP 80 alone, once there is the policy', inOrder, async () => {
        const cluster = running();
        await cluster.apply('examples/2-labels/policy.yaml');
        await cluster.agrees('default');
        await session(cluster, '', { nginx: false, nginx2: true, ping: false });
        await session(cluster, '--labels=xx=xx', { nginx: true, nginx2: true, ping: false });
      });

      it('work in an interactive session with a terminal, as the guides type it', inOrder, async () => {
        const output = await interactive(running(), 'run busybox --rm -it --image=busybox -- sh', [
          'timeout 60 wget -q -O /dev/null nginx2 && echo got-$((1+1))',
          'exit',
        ]);
        expect(output).toContain('got-2');
        expect(output).toContain('pod "busybox" deleted');
      });
    });

    describe("4: the Kubernetes documentation's example", inOrder, () => {
      afterAll(() => running().clear('default', 'myproject', 'elsewhere'));

      it('accepts from the block, the project and the frontends, and from nobody else', inOrder, async () => {
        const cluster = running();
        await cluster.apply('examples/4-kubernetes-docs/pods.yaml');
        await cluster.ready('default', 'myproject', 'elsewhere');
        await cluster.apply('examples/4-kubernetes-docs/policy.yaml');
        const seen = await cluster.agrees('default', 'myproject', 'elsewhere');
        expect(seen.reaches('default/frontend', 'default/db', 6379)).toBe(true);
        expect(seen.reaches('myproject/client', 'default/db', 6379)).toBe(true);
        expect(seen.reaches('default/stranger', 'default/db', 6379)).toBe(false);
        expect(seen.reaches('elsewhere/frontend', 'default/db', 6379)).toBe(false);
        expect(seen.reaches('default/db', 'default/frontend', OTHER_PORT)).toBe(false);
      });
    });
  });

  describe.concurrent('3: an address block with an exception beside pod selectors', () => {
    afterAll(() => running().clear('shop'));

    it('lets through exactly what the policy says', inOrder, async () => {
      const cluster = running();
      await cluster.apply('examples/3-blocks-and-labels/pods.yaml');
      await cluster.ready('shop');
      await cluster.apply('examples/3-blocks-and-labels/policy.yaml');
      const seen = await cluster.agrees('shop');
      expect(seen.reaches('shop/myapp', 'shop/nginx', 80)).toBe(true);
      expect(seen.reaches('shop/myapp', 'shop/mysql', 3306)).toBe(true);
      expect(seen.reaches('shop/myapp', 'shop/other', 80)).toBe(false);
      expect(seen.reaches('shop/other', 'shop/myapp', OTHER_PORT)).toBe(false);
    });

    it('judges pods by their own addresses, block and exception alike', inOrder, async () => {
      const cluster = running();
      const text = readFileSync(join(ROOT, 'examples/3-blocks-and-labels/policy.yaml'), 'utf8');
      const family = cluster.families[0]!;
      const [cidr] = (await cluster.lab.request({ op: 'status' })).options.podCidrs;
      const except = [`${await cluster.address('shop/other', family)}/${family === 4 ? 32 : 128}`];
      await cluster.ok(
        'apply -f -',
        variant(text, (policy) => {
          const { ingress } = policy['spec'] as { ingress: { from: unknown[] }[] };
          ingress[0]!.from[0] = { ipBlock: { cidr, except } };
        }),
      );
      const seen = await cluster.agrees('shop');
      // Of a dual cluster only the policy's family is opened, which the comparison has covered.
      if (cluster.families.length > 1) return;
      expect(seen.reaches('shop/nginx', 'shop/myapp', 80)).toBe(true);
      expect(seen.reaches('shop/other', 'shop/myapp', 80)).toBe(false);
    });
  });

  describe.concurrent('5: default policies', () => {
    const example = 'examples/5-default-policies';
    afterAll(() => running().clear('five'));

    it('take effect and are taken back, live', inOrder, async () => {
      const cluster = running();
      await cluster.ok('create namespace five');
      for (const name of ['a', 'b']) await cluster.ok(`run ${name} --image=nginx --port=80 -n five`);
      await cluster.ready('five');
      const state = async (): Promise<boolean> => {
        return (await cluster.agrees('five')).reaches('five/a', 'five/b', 80);
      };
      const steps: [command: string, file: string, reached: boolean][] = [
        ['apply', 'default-deny-ingress', false],
        ['apply', 'allow-all-ingress', true],
        ['delete', 'allow-all-ingress', false],
        ['delete', 'default-deny-ingress', true],
        ['apply', 'default-deny-egress', false],
        ['apply', 'allow-all-egress', true],
        ['delete', 'default-deny-egress', true],
        ['delete', 'allow-all-egress', true],
      ];
      expect(await state()).toBe(true);
      for (const [command, file, reached] of steps) {
        await cluster.ok(`${command} -n five -f ${join(ROOT, example, `${file}.yaml`)}`);
        expect(await state(), `after ${command} ${file}`).toBe(reached);
      }
    });
  });

  describe.concurrent('6: allow from one namespace', () => {
    afterAll(() => running().clear('home', 'namespace-a', 'namespace-b'));

    it('accepts from that namespace alone, and follows its labels live', inOrder, async () => {
      const cluster = running();
      await cluster.apply('examples/6-allow-from-namespace-a/pods.yaml');
      await cluster.ready('home', 'namespace-a', 'namespace-b');
      await cluster.apply('examples/6-allow-from-namespace-a/policy.yaml');
      const all = ['home', 'namespace-a', 'namespace-b'];
      const seen = await cluster.agrees(...all);
      expect(seen.reaches('namespace-a/client', 'home/myapp', 80)).toBe(true);
      expect(seen.reaches('namespace-b/client', 'home/myapp', 80)).toBe(false);
      expect(seen.reaches('home/other', 'home/myapp', 80)).toBe(false);
      await cluster.ok('label namespace namespace-a name=other --overwrite');
      await cluster.ok('label namespace namespace-b name=namespace-a --overwrite');
      const relabelled = await cluster.agrees(...all);
      expect(relabelled.reaches('namespace-a/client', 'home/myapp', 80)).toBe(false);
      expect(relabelled.reaches('namespace-b/client', 'home/myapp', 80)).toBe(true);
    });
  });

  describe.concurrent('8: looking around with kubectl', () => {
    it('explains, lists pods and nodes, and shows the agents', inOrder, async () => {
      const cluster = running();
      const explained = await cluster.ok('explain networkpolicy.spec.egress');
      expect(explained).toContain('FIELD: egress <[]NetworkPolicyEgressRule>');
      expect(explained).toContain('outgoing traffic');
      const nodes = (await cluster.ok('get nodes --no-headers')).trim().split('\n');
      expect(nodes).toHaveLength(cluster.shape.nodes);
      for (const node of nodes) expect(node).toMatch(/^(\S+-)?node-\d+\s+Ready\s/u);
      const agents = await cluster.ok('get pods -n kube-system -l k8s-app=sluice-node --no-headers');
      const states = agents
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/u).slice(1, 3));
      expect(states).toEqual(Array.from({ length: cluster.shape.nodes }, () => ['1/1', 'Running']));
      expect(await cluster.ok('get pods -A -o wide')).toMatch(
        /NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/u,
      );
    });
  });
}

/** What a busybox that is run for this alone can do. */
interface Session {
  readonly nginx: boolean;
  readonly nginx2: boolean;
  readonly ping: boolean;
}

/**
 * Runs a busybox that fetches from both servers by name and pings the first, and expects it to fare as told. What is to
 * come through has all the time that a busy machine takes; where silence is expected, two seconds of it are enough.
 */
async function session(cluster: TestCluster, flags: string, expected: Session): Promise<void> {
  const address = await cluster.address('default/nginx');
  const seconds = (reached: boolean): number => (reached ? 60 : 2);
  const script = [
    `timeout ${seconds(expected.nginx)} wget -q -O /dev/null http://nginx && echo nginx-ok`,
    `timeout ${seconds(expected.nginx2)} wget -q -O /dev/null http://nginx2 && echo nginx2-ok`,
    `ping -c 1 -W ${seconds(expected.ping)} ${address} >/dev/null && echo ping-ok`,
    'exit 0',
  ];
  const output = await cluster.ok(
    `run busybox --rm -i --restart=Never --image=busybox ${flags} -- sh`,
    `${script.join('\n')}\n`,
  );
  const seen: Session = {
    nginx: output.includes('nginx-ok'),
    nginx2: output.includes('nginx2-ok'),
    ping: output.includes('ping-ok'),
  };
  expect(seen).toEqual(expected);
  await eventually(async () => expect((await cluster.run('get pod busybox')).code).toBe(1));
}

/** Runs kubectl under a terminal of its own and types `lines` when the prompt appears. */
function interactive(cluster: TestCluster, args: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', `kubectl ${args}`, '/dev/null'], {
      env: { ...cluster.env, KUBECONFIG: cluster.lab.paths.kubeconfig, TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), 240_000);
    let output = '';
    let next = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // A prompt at the end of what was printed so far means that the shell waits; busybox asks where the cursor is behind
      // it, and draws it anew when it learns the size of the terminal.
      if (/[#$] $/u.test(stripVTControlCharacters(output)) && next < lines.length)
        child.stdin.write(`${lines[next++]}\n`);
    });
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(limit);
      resolve(output);
    });
  });
}
