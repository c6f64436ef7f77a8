import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../src/app/ingress/certificate.ts';
import type { Ingress } from '../../src/core/kube/types.ts';
import { INGRESSES } from '../../src/host/kube-client/resources.ts';
import { describeGateway } from './gateway.ts';
import { ROOT, type TestCluster } from './harness.ts';
import { ask as askOutside } from './outside.ts';

const HOST = 'apiserver.example.test';
const OURS = { namespace: 'cbs', name: 'cbs-apiserver' };

/** The ingress controller as a user installs it. */
export function describeIngress(running: () => TestCluster): void {
  describe('an Ingress', () => {
    const apply = (name: string): Promise<string> => running().ok(`apply -n cbs -f ${ROOT}/examples/7-ingress/${name}`);

    beforeAll(async () => {
      const cluster = running();
      await cluster.apply('deploy/sluice-ingress.yaml');
      await cluster.ok('create namespace cbs');
      await apply('application.yaml');
      const { certificate, key } = await selfSignedCertificate(HOST, Date.now());
      const data = Object.entries({ 'tls.crt': certificate, 'tls.key': key }).map(
        ([name, text]) => `${name}: ${Buffer.from(text).toString('base64')}`,
      );
      const metadata = '{ name: apiserver-example-test, namespace: cbs }';
      await cluster.apply(
        `apiVersion: v1\nkind: Secret\nmetadata: ${metadata}\ntype: kubernetes.io/tls\ndata: { ${data.join(', ')} }\n`,
      );
      await cluster.ok('rollout status daemonset sluice-ingress -n kube-system --timeout=300s');
      await cluster.ready('cbs');
    });
    afterAll(async () => {
      await running().ok(`delete -f ${ROOT}/deploy/sluice-ingress.yaml --wait=false`);
      await running().clear('cbs');
    });

    it('leads the host outside to a Service by its host name, at every address that it shows', async () => {
      await apply('ingress.yaml');
      await expect.poll(() => addresses(running())).not.toEqual([]);
      const shown = await addresses(running());
      for (const address of shown)
        await expect.poll(() => ask(running(), address, 'http')).toMatchObject({ status: 200, body: WELCOME });
      expect(await running().ok('get ingress -n cbs')).toContain(shown.join(','));
      await running().ok('delete ingress -n cbs cbs-apiserver');
      await expect.poll(() => ask(running(), shown[0]!, 'http')).toMatchObject({ status: 404 });
    });

    it('shows pods the client itself, so that policies about clients hold, whichever node it asks', async () => {
      const cluster = running();
      await apply('ingress.yaml');
      await expect.poll(() => addresses(cluster)).not.toEqual([]);
      const nodes = (await addresses(cluster)).filter((address) => !address.includes(':'));
      const statuses = async (): Promise<unknown> =>
        new Set((await Promise.all(nodes.map((address) => ask(cluster, address, 'http')))).map((each) => each?.status));
      await cluster.apply(onlyFrom('198.51.100.0/24'));
      await expect.poll(statuses).toEqual(new Set([503]));
      await cluster.apply(onlyFrom('203.0.113.0/24'));
      await expect.poll(statuses).toEqual(new Set([200]));
      expect(await cluster.ok('logs -n cbs cbs-apiserver')).toMatch(/^203\.0\.113\./m);
      await cluster.ok('delete networkpolicy,ingress -n cbs --all');
    });

    it.each(['ingress-tls.yaml', 'ingress-tls-v1beta1.yaml'])('ends TLS with the certificate of %s', async (file) => {
      await apply(file);
      await expect.poll(() => addresses(running())).not.toEqual([]);
      const [address = ''] = await addresses(running());
      const answer = { status: 200, certificate: HOST, body: WELCOME };
      await expect.poll(() => ask(running(), address, 'https')).toMatchObject(answer);
      await expect.poll(() => ask(running(), address, 'http')).toMatchObject({ status: 308 });
      await running().ok('delete ingress -n cbs cbs-apiserver');
    });

    it('opens the shop to customers, and nothing of it to others', async () => {
      const cluster = running();
      await cluster.ok(`apply -f ${ROOT}/examples/shop`);
      await cluster.ok('wait --for=condition=Available deployment --all -n shop --timeout=300s');
      const shown = { namespace: 'shop', name: 'shop-api' };
      await expect.poll(() => addresses(cluster, shown)).not.toEqual([]);
      const [address = ''] = await addresses(cluster, shown);
      const page = (pod: string): object => ({
        status: 200,
        body: expect.stringContaining(`pod shop/${pod}-`) as string,
      });
      const customer = (path: string): Promise<unknown> => ask(cluster, address, 'http', 'shop.example.test', path);
      await expect.poll(() => customer('/')).toMatchObject(page('front'));
      await expect.poll(() => customer('/api/')).toMatchObject(page('api'));
      const observed = await cluster.agrees('shop');
      expect(observed.denied).toBeGreaterThan(0);
      await cluster.clear('shop');
    });

    it('follows an ExternalName that the DNS of the cluster knows, and lets no client past a policy by it', async () => {
      const cluster = running();
      const alias = 'create service externalname alias -n cbs --external-name cbs-apiserver.cbs.svc.cluster.local';
      await cluster.ok(`${alias} --tcp=8000`);
      await cluster.ok(`create ingress alias -n cbs --class sluice --rule=${HOST}/*=alias:8000`);
      const alone = { namespace: 'cbs', name: 'alias' };
      await expect.poll(() => addresses(cluster, alone)).not.toEqual([]);
      const [address = ''] = await addresses(cluster, alone);
      await expect.poll(() => ask(cluster, address, 'http')).toMatchObject({ status: 200, body: WELCOME });
      await cluster.apply(onlyFrom('198.51.100.0/24'));
      await expect.poll(() => ask(cluster, address, 'http')).toMatchObject({ status: 503 });
      await cluster.ok('delete networkpolicy,ingress,service alias clients -n cbs --ignore-not-found');
    });

    describeGateway(running);

    it('may be of extensions/v1beta1', async () => {
      await apply('ingress-v1beta1.yaml');
      await expect.poll(() => addresses(running())).not.toEqual([]);
      const [address = ''] = await addresses(running());
      await expect.poll(() => ask(running(), address, 'http')).toMatchObject({ status: 200, body: WELCOME });
    });
  });
}

const onlyFrom = (cidr: string): string => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: clients, namespace: cbs }
spec:
  podSelector: { matchLabels: { app: cbs-apiserver } }
  ingress: [{ from: [{ ipBlock: { cidr: ${cidr} } }] }]
`;

const WELCOME = expect.stringContaining('cbs/cbs-apiserver') as string;

async function addresses(cluster: TestCluster, of = OURS): Promise<readonly string[]> {
  const found = await cluster.client.get<Ingress>(INGRESSES, of);
  return (found.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
}

/** What the host outside is answered; undefined when it is not. */
function ask(
  cluster: TestCluster,
  address: string,
  scheme: 'http' | 'https',
  host = HOST,
  path = '/',
): ReturnType<typeof askOutside> {
  return askOutside(cluster, address, scheme, { host, path });
}
