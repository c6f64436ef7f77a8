import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Container, Event, Pod, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpKubeClient } from '../../host/kube-client/http-client.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import { CONFIG_MAPS, EVENTS, PODS, SECRETS } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import { openLab, startLab, stopLab } from './lab.ts';
import type { PathEnvironment } from './paths.ts';

/** One node is enough: what a kubelet does with pods does not depend on others. */
let home: string;
let environment: PathEnvironment;
let client: HttpKubeClient;
let kubeconfig: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pods-'));
  environment = {
    env: { ...process.env, SLUICE_HOME: home, SLUICE_RUN_DIR: join(home, 'run') },
    uid: process.getuid?.() ?? 0,
  };
  const started = await startLab(
    {
      name: 'pods',
      nodes: 1,
      backend: 'vxlan',
      ipFamily: 'ipv4',
      podCidrs: ['10.244.0.0/16'],
      serviceCidrs: ['10.96.0.0/16'],
      apiPort: 0,
    },
    environment,
  );
  kubeconfig = started.kubeconfig;
  client = httpKubeClient(await loadKubeconfig(kubeconfig));
});

afterAll(async () => {
  client?.close();
  await stopLab('pods', environment);
  rmSync(home, { recursive: true, force: true });
});

async function run(name: string, spec: PodSpec, metadata: NonNullable<Pod['metadata']> = {}): Promise<void> {
  await client.create<Pod>(PODS, { metadata: { ...metadata, name, namespace: 'default' }, spec });
}

const get = (name: string): Promise<Pod> => client.get<Pod>(PODS, { namespace: 'default', name });

/** Waits until the pod looks as wanted and returns it. */
async function until(name: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const pod = await get(name);
    if (condition(pod)) return pod;
    if (performance.now() > deadline) throw new Error(`pod ${name} never got there: ${JSON.stringify(pod.status)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const phase = (wanted: string) => (pod: Pod) => pod.status?.phase === wanted;
const ready = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const log = (name: string, query = ''): Promise<string> =>
  client.raw(`/api/v1/namespaces/default/pods/${name}/log${query}`);
const busybox = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'c',
  image: 'busybox',
  command: ['sh', '-c', script],
  ...more,
});
const kubectl = (...args: string[]): { stdout: string; status: number | null } =>
  spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8' });

describe('a pod', () => {
  it('ends as its containers do', async () => {
    await run('good', { restartPolicy: 'Never', containers: [busybox('echo done')] });
    await run('bad', {
      restartPolicy: 'Never',
      containers: [busybox('echo why > /dev/termination-log; exit 3'), busybox('true', { name: 'other' })],
    });
    await until('good', phase('Succeeded'));
    expect(await log('good')).toBe('done\n');
    const bad = await until('bad', phase('Failed'));
    expect(bad.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, message: 'why\n' });
  });

  it('starts its containers only after every init container, and keeps sidecars beside them', async () => {
    const mount = [{ name: 'shared', mountPath: '/shared' }];
    const record = (word: string): string => `echo ${word} >> /shared/order`;
    await run('ordered', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [
        busybox(`sleep 0.2; ${record('first')}`, { name: 'first', volumeMounts: mount }),
        {
          ...busybox(`${record('sidecar')}; trap "exit 0" TERM; while :; do sleep 0.1; done`, {
            name: 'sidecar',
            volumeMounts: mount,
          }),
          restartPolicy: 'Always',
        } as Container,
        busybox(`until grep -q sidecar /shared/order; do sleep 0.1; done; ${record('last')}`, {
          name: 'last',
          volumeMounts: mount,
        }),
      ],
      containers: [busybox('cat /shared/order', { volumeMounts: mount })],
    });
    await until('ordered', phase('Succeeded'));
    expect(await log('ordered', '?container=c')).toBe('first\nsidecar\nlast\n');
  });

  it('fails when an init container fails for good', async () => {
    await run('stuck', {
      restartPolicy: 'Never',
      initContainers: [busybox('exit 1', { name: 'init' })],
      containers: [busybox('echo never')],
    });
    const pod = await until('stuck', phase('Failed'));
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
  });

  it('is given its configuration: variables, files, names', async () => {
    const metadata = { namespace: 'default', name: 'settings' };
    await client.create(CONFIG_MAPS, { metadata, data: { color: 'blue', 'app.conf': 'a=1\n' } } as KubeObject);
    await client.create(SECRETS, { metadata, data: { word: Buffer.from('open').toString('base64') } } as KubeObject);
    await run(
      'configured',
      {
        restartPolicy: 'Never',
        hostname: 'given',
        containers: [
          busybox(
            'echo $COLOR $WORD $POD_NAME $COMBINED $MISSING.; cat /conf/app.conf /conf/sub/only /info/labels; echo; hostname; cat /proc/mounts | grep -c " /conf "; id -u',
            {
              env: [
                { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
                { name: 'WORD', valueFrom: { secretKeyRef: { name: 'settings', key: 'word' } } },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'COMBINED', value: '$(COLOR)-$(NOPE)-$$(COLOR)' },
                { name: 'MISSING', valueFrom: { configMapKeyRef: { name: 'none', key: 'x', optional: true } } },
              ],
              volumeMounts: [
                { name: 'conf', mountPath: '/conf' },
                { name: 'conf', mountPath: '/conf/sub/only', subPath: 'color' },
                { name: 'info', mountPath: '/info' },
              ],
            },
          ),
        ],
        volumes: [
          { name: 'conf', configMap: { name: 'settings' } },
          { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
      },
      { labels: { app: 'x' } },
    );
    await until('configured', phase('Succeeded'));
    expect(await log('configured')).toBe(
      'blue open configured blue-$(NOPE)-$(COLOR) .\na=1\nblueapp="x"\ngiven\n1\n0\n',
    );
  });

  it('waits, and says for what, until its configuration exists', async () => {
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'later', key: 'x' } } }];
    await run('waiting', { containers: [busybox('echo $X; sleep 1000', { env })] });
    await until(
      'waiting',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    await client.create(CONFIG_MAPS, {
      metadata: { namespace: 'default', name: 'later' },
      data: { x: 'now' },
    } as KubeObject);
    await until('waiting', phase('Running'));
  });

  it('is started again when its liveness probe fails, and its old log stays', async () => {
    await run('sick', {
      terminationGracePeriodSeconds: 1,
      containers: [
        busybox('echo life; touch /ill; sleep 1000', {
          livenessProbe: { exec: { command: ['test', '!', '-e', '/ill'] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    });
    const pod = await until('sick', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
    expect(await log('sick', '?previous=true')).toBe('life\n');
    const reasons = async (): Promise<ReadonlySet<unknown>> => {
      const about = { namespace: 'default', fieldSelector: 'involvedObject.name=sick' };
      const { items } = await client.list<Event & KubeObject>(EVENTS, about);
      return new Set(items.map(({ reason }) => reason));
    };
    await expect
      .poll(reasons)
      .toEqual(new Set(['Scheduled', 'Pulled', 'Created', 'Started', 'Unhealthy', 'Killing', 'BackOff']));
  });

  it('becomes ready with its readiness probe, and unready again', async () => {
    await run('moody', {
      containers: [
        {
          name: 'c',
          image: 'nginx',
          ports: [{ name: 'web', containerPort: 80 }],
          readinessProbe: { httpGet: { path: '/ok', port: 'web' }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    });
    await until('moody', phase('Running'));
    expect(ready(await get('moody'))).toBe(false);
    kubectl('exec', 'moody', '--', 'touch', '/usr/share/nginx/html/ok');
    await until('moody', ready);
    kubectl('exec', 'moody', '--', 'rm', '/usr/share/nginx/html/ok');
    await until('moody', (pod) => !ready(pod));
  });

  it('gets its preStop hook and SIGTERM before it goes, and goes at once when it would not hear', async () => {
    const volumes = [{ name: 'host', hostPath: { path: '/var/lib/test', type: 'DirectoryOrCreate' } }];
    const volumeMounts = [{ name: 'host', mountPath: '/out' }];
    await run('polite', {
      volumes,
      containers: [
        busybox('trap "echo term >> /out/end; exit 0" TERM; while :; do sleep 0.1; done', {
          volumeMounts,
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook >> /out/end'] } } },
        }),
      ],
    });
    await run('deaf', { terminationGracePeriodSeconds: 3600, containers: [busybox('exec sleep 1000')] });
    await Promise.all([until('polite', ready), until('deaf', ready)]);
    // `--wait`: kubectl returns when the objects are gone; a deaf pid 1 would take its whole hour.
    expect(kubectl('delete', 'pod', 'polite', 'deaf', '--timeout=120s').status).toBe(0);
    await run('reader', { restartPolicy: 'Never', volumes, containers: [busybox('cat /out/end', { volumeMounts })] });
    await until('reader', phase('Succeeded'));
    expect(await log('reader')).toBe('hook\nterm\n');
  });

  it('says that its command does not exist, or runs what stands for the image', async () => {
    await run('lost', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', command: ['no-such'] }] });
    const lost = await until('lost', phase('Failed'));
    expect(lost.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
    });
    const ports = [{ containerPort: 5432 }];
    await run('db', { containers: [{ name: 'c', image: 'postgres:17', command: ['docker-entrypoint.sh'], ports }] });
    const db = await until('db', ready);
    await run('client', {
      restartPolicy: 'Never',
      containers: [busybox(`until wget -q -T 1 -O - http://${db.status?.podIP}:5432/; do sleep 0.2; done`)],
    });
    await until('client', phase('Succeeded'));
    expect(await log('client')).toContain('db port 5432');
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('runs further commands for a kubectl that speaks %s', async (_protocol, webSockets) => {
    const name = `served-${webSockets}`;
    await run(name, { containers: [busybox('sleep 1000')] });
    await until(name, ready);
    const exec = (input: string | Buffer, ...command: string[]) =>
      spawnSync('kubectl', ['--kubeconfig', kubeconfig, 'exec', '-i', name, '--', ...command], {
        input,
        env: { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets },
        maxBuffer: 1 << 25,
      });
    const failing = exec('', 'sh', '-c', 'echo good; echo bad >&2; exit 7');
    expect([failing.status, failing.stdout.toString(), failing.stderr.toString()]).toEqual([
      7,
      'good\n',
      'bad\ncommand terminated with exit code 7\n',
    ]);
    const large = Buffer.alloc(5_000_000, '0123456789\n');
    expect(exec(large, 'cat').stdout.equals(large)).toBe(true);
    const typed = [
      '-qec',
      `kubectl --kubeconfig ${kubeconfig} exec -it ${name} -- sh -c 'tty; echo $((6 * 7))'`,
      '/dev/null',
    ];
    // Whose input stays open: at its end script(1) types a character, which the terminal may show.
    const terminal = spawn('script', typed, {
      env: { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [shown] = await Promise.all([text(terminal.stdout), once(terminal, 'close')]);
    expect(shown).toMatch(/\/dev\/pts\/\d+\r\n42\r\n/);
  });

  it('is made anew when the process that holds its namespaces is killed', async () => {
    await run('solid', { containers: [busybox('echo up; sleep 1000')] });
    const before = await until('solid', ready);
    const lab = await openLab('pods', environment);
    const place = (await lab?.request({ op: 'pods' }))?.find(({ name }) => name === 'solid');
    process.kill(place?.sandboxPid ?? -1, 'SIGKILL');
    await until('solid', ({ status }) => status?.podIP !== before.status?.podIP && status?.phase === 'Running');
  });
});
