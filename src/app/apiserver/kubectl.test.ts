import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testCluster, type TestCluster } from './kubectl.test-support.ts';

let cluster: TestCluster;
const { kubectl, ok } = {
  kubectl: (args: string, input?: string) => cluster.kubectl(args.split(' '), input),
  ok: (args: string, input?: string) => cluster.ok(args.split(' '), input),
};

beforeAll(async () => {
  cluster = await testCluster();
  await ok('create namespace dev');
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const policy = (spec: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: allow-http, namespace: dev }
spec:
${spec}`;

const ALLOW_HTTP = `  podSelector: { matchLabels: { aa: aa1 } }
  ingress:
  - from:
    - podSelector: { matchLabels: { xx: xx } }
    ports:
    - port: 80
`;

describe('what kubectl asks a server first', () => {
  it('names its version', async () => {
    expect(await ok('version')).toMatch(/Server Version: v1\.32/);
  });

  it('lists the resources with short names and kinds', async () => {
    const table = await ok('api-resources');
    expect(table).toMatch(/^networkpolicies\s+netpol\s+networking\.k8s\.io\/v1\s+true\s+NetworkPolicy$/m);
    expect(table).toMatch(/^pods\s+po\s+v1\s+true\s+Pod$/m);
    expect(table).toMatch(/^customresourcedefinitions\s+crd,crds\s+apiextensions\.k8s\.io\/v1\s+false/m);
  });

  it('explains the egress rules of a network policy', async () => {
    const text = await ok('explain networkpolicy.spec.egress');
    expect(text).toContain('FIELD: egress <[]NetworkPolicyEgressRule>');
    expect(text).toMatch(/ports\t<\[\]NetworkPolicyPort>/);
    expect(await ok('explain pod.spec.containers.ports --recursive')).toMatch(/containerPort\t<integer> -required-/);
  });
});

describe('field validation', () => {
  it('refuses an unknown field with its path and what was probably meant', async () => {
    const { code, err } = await kubectl('apply -f -', policy(`  podSelector: {}\n  policyType: [Ingress]\n`));
    expect(code).toBe(1);
    expect(err).toContain(
      'NetworkPolicy in version "v1" cannot be handled as a NetworkPolicy: strict decoding error: unknown field "spec.policyType" (did you mean "spec.policyTypes"?)',
    );
  });

  it('sees ports that were indented under from', async () => {
    const indented = ALLOW_HTTP.replace('    ports:\n    - port: 80', '      ports:\n      - port: 80');
    const { err } = await kubectl('apply -f -', policy(indented));
    expect(err).toContain('unknown field "spec.ingress[0].from[0].ports" (did you mean "spec.ingress[0].ports"?)');
  });

  it('only warns with --validate=warn and drops the field', async () => {
    const { code, err } = await kubectl(
      'apply --validate=warn -f -',
      policy(`  podSelector: {}\n  policyType: [Ingress]\n`),
    );
    expect({ code, warned: err.includes('Warning: unknown field "spec.policyType"') }).toEqual({
      code: 0,
      warned: true,
    });
    expect(await ok('get netpol -n dev allow-http -o yaml')).not.toContain('policyType:');
    await ok('delete netpol -n dev allow-http');
  });

  it('says nothing with --validate=ignore', async () => {
    const { code, err } = await kubectl('create --validate=ignore -f -', policy(`  podSelector: {}\n  nonsense: 1\n`));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    await ok('delete netpol -n dev allow-http');
  });

  it('refuses a value of the wrong type in the words of the real server', async () => {
    const { err } = await kubectl('apply -f -', policy('  podSelector: {}\n  ingress: none\n'));
    expect(err).toContain(
      'json: cannot unmarshal string into Go struct field NetworkPolicySpec.spec.ingress of type []v1.NetworkPolicyIngressRule',
    );
  });

  it('refuses values that break the rules of the kind, all at once', async () => {
    const bad = `  podSelector: {}\n  ingress:\n  - from:\n    - ipBlock: { cidr: 10.0.0.0/33 }\n    ports:\n    - port: 70000\n`;
    const { code, err } = await kubectl('apply -f -', policy(bad));
    expect(code).toBe(1);
    expect(err).toMatch(/NetworkPolicy(\.networking\.k8s\.io)? "allow-http" is invalid/);
    expect(err).toContain('spec.ingress[0].from[0].ipBlock.cidr');
    expect(err).toContain('spec.ingress[0].ports[0].port');
  });

  it('refuses a field that is given twice', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1"},"data":{"b":"2"}}';
    const { err } = await kubectl('create --raw /api/v1/namespaces/dev/configmaps?fieldValidation=Strict -f -', body);
    expect(err).toContain('duplicate field "data"');
  });

  it.each([
    ['a name in capitals', 'create namespace Dev', 'metadata.name'],
    ['an object in a namespace that is not there', 'create configmap x -n nowhere', 'namespaces "nowhere" not found'],
    ['a name that is taken', 'create namespace dev', 'namespaces "dev" already exists'],
  ])('refuses %s', async (_what, args, words) => {
    const { code, err } = await kubectl(args);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});

describe('a network policy', () => {
  it('is applied, shown, described, patched by a second apply and deleted', async () => {
    expect(await ok('apply -f -', policy(ALLOW_HTTP))).toContain('networkpolicy.networking.k8s.io/allow-http created');
    await ok('apply -f -', policy(ALLOW_HTTP));
    expect(await ok('get netpol -n dev allow-http -o jsonpath={.metadata.generation}')).toBe('1');
    expect(await ok('get netpol -n dev')).toMatch(/NAME\s+POD-SELECTOR\s+AGE\nallow-http\s+aa=aa1\s+\d+s/);
    expect(
      await ok('get netpol -n dev allow-http -o jsonpath={.spec.policyTypes}{.spec.ingress[0].ports[0].protocol}'),
    ).toBe('["Ingress"]TCP');
    expect(await ok('describe netpol -n dev allow-http')).toContain('To Port: 80/TCP');
    const wider = ALLOW_HTTP.replace('- port: 80', '- port: 80\n    - port: 443');
    expect(await ok('apply -f -', policy(wider))).toContain('configured');
    expect(await ok('get netpol -n dev allow-http -o jsonpath={.metadata.generation}')).toBe('2');
    expect(await ok('delete netpol -n dev allow-http')).toContain('deleted');
    expect((await kubectl('get netpol -n dev allow-http')).err).toContain('NotFound');
  });
});

describe('pods and services', () => {
  it('runs, labels, annotates, selects and exposes a pod', async () => {
    await ok('run nginx -n dev --image=nginx --labels=aa=aa1');
    expect(await ok('get pods -n dev -o wide')).toMatch(/nginx\s+0\/1\s+Pending\s+0\s+\d+s\s+<none>\s+<none>/);
    await ok('label pod -n dev nginx tier=front');
    await ok('annotate pod -n dev nginx note=yes');
    expect(await ok('get pods -A -l tier=front,aa!=b -o name')).toBe('pod/nginx\n');
    expect(await ok('get pods -A -l tier=back -o name')).toBe('');
    expect(await ok('get pods -n dev --field-selector status.phase=Pending,metadata.name=nginx -o name')).toBe(
      'pod/nginx\n',
    );
    await ok('expose pod nginx -n dev --port=80 --type=NodePort');
    expect(await ok('get svc -n dev nginx')).toMatch(
      /nginx\s+NodePort\s+10\.96\.\d+\.\d+\s+<none>\s+80:3[0-2]\d{3}\/TCP/,
    );
    expect(await ok('describe pod -n dev nginx')).toMatch(/Service Account:\s+default/);
    expect(await ok('describe svc -n dev nginx')).toMatch(/Selector:\s+aa=aa1/);
  });

  it('deletes an unscheduled pod at once, and lets a kubelet finish a scheduled one', async () => {
    await ok('delete pod -n dev nginx');
    expect((await kubectl('get pod -n dev nginx')).err).toContain('NotFound');
    await ok('run slow -n dev --image=nginx');
    await ok(
      'create --raw /api/v1/namespaces/dev/pods/slow/binding -f -',
      '{"target":{"kind":"Node","name":"node-1"}}',
    );
    await ok('delete pod -n dev slow --wait=false --grace-period=7');
    expect(await ok('get pod -n dev slow')).toMatch(/Terminating/);
    expect(await ok('get pod -n dev slow -o jsonpath={.metadata.deletionGracePeriodSeconds}')).toBe('7');
    await ok('delete pod -n dev slow --force --grace-period=0');
    expect((await kubectl('get pod -n dev slow')).err).toContain('NotFound');
  });

  it('keeps a pod that is already running from being changed', async () => {
    await ok('run fixed -n dev --image=nginx');
    const { err } = await cluster.kubectl([
      'patch',
      'pod',
      '-n',
      'dev',
      'fixed',
      '-p',
      '{"spec":{"hostNetwork":true}}',
    ]);
    expect(err).toContain('pod updates may not change fields other than');
    await ok('delete pod -n dev fixed');
  });

  it('hands out addresses of both families and refuses node ports that are taken or out of range', async () => {
    const service = (name: string, more: string): string =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: dev }\nspec:\n  selector: { a: b }\n${more}`;
    await ok('apply -f -', service('dual', '  ipFamilyPolicy: RequireDualStack\n  ports: [{ port: 80 }]\n'));
    expect(await ok('get svc -n dev dual -o jsonpath={.spec.clusterIPs}')).toMatch(
      /^\["10\.96\.\d+\.\d+","fd00:10:96::[0-9a-f]+"\]$/,
    );
    await ok('apply -f -', service('one', '  type: NodePort\n  ports: [{ port: 80, nodePort: 30080 }]\n'));
    const taken = await kubectl(
      'apply -f -',
      service('two', '  type: NodePort\n  ports: [{ port: 80, nodePort: 30080 }]\n'),
    );
    expect(taken.err).toContain('spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated');
    const low = await kubectl(
      'apply -f -',
      service('two', '  type: NodePort\n  ports: [{ port: 80, nodePort: 80 }]\n'),
    );
    expect(low.err).toContain('The range of valid ports is 30000-32767');
    const foreign = await kubectl('apply -f -', service('two', '  clusterIP: 10.97.0.1\n  ports: [{ port: 80 }]\n'));
    expect(foreign.err).toContain('The range of valid IPs is 10.96.0.0/16');
    const held = await kubectl('apply -f -', service('two', '  clusterIP: 10.96.0.1\n  ports: [{ port: 80 }]\n'));
    expect(held.err).toContain('provided IP is already allocated');
  });
});

describe('workloads', () => {
  it('creates, scales, restarts and waits for a deployment', async () => {
    await ok('create deployment web -n dev --image=nginx:1.25 --replicas=2 --port=80');
    expect(await ok('get deploy -n dev web -o wide')).toMatch(
      /web\s+0\/2\s+0\s+0\s+\d+s\s+nginx\s+nginx:1\.25\s+app=web/,
    );
    await ok('scale deploy -n dev web --replicas=3');
    expect(await ok('get deploy -n dev web -o jsonpath={.spec.replicas}{.metadata.generation}')).toBe('32');
    await ok('set image -n dev deploy/web nginx=nginx:1.26');
    await ok('rollout restart -n dev deploy/web');
    expect(await ok('get deploy -n dev web -o yaml')).toContain('kubectl.kubernetes.io/restartedAt');
    const waiting = cluster.background([
      'wait',
      '-n',
      'dev',
      'deploy/web',
      '--for=condition=Available',
      '--timeout=120s',
    ]);
    const following = cluster.background(['rollout', 'status', '-n', 'dev', 'deploy/web', '--timeout=120s']);
    await following.seen(/Waiting for deployment/);
    const status = {
      observedGeneration: 4,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      conditions: [{ type: 'Available', status: 'True' }],
    };
    await cluster.ok(['patch', 'deploy', '-n', 'dev', 'web', '--subresource=status', '-p', JSON.stringify({ status })]);
    await waiting.seen(/condition met/);
    await following.seen(/successfully rolled out/);
    expect(await ok('describe deploy -n dev web')).toMatch(
      /Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available/,
    );
    expect((await kubectl('scale deploy -n dev web --replicas=-1')).code).toBe(1);
  });

  it('refuses a template that its own selector does not select', async () => {
    const { err } = await kubectl(
      'apply -f -',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: odd }\nspec:\n  selector: { matchLabels: { a: b } }\n  template:\n    metadata: { labels: { a: c } }\n    spec: { containers: [{ name: x, image: nginx }] }\n',
    );
    expect(err).toContain('`selector` does not match template `labels`');
  });
});

describe('watching', () => {
  it('shows additions, changes and removals as they happen', async () => {
    const watching = cluster.background(['get', 'configmaps', '-n', 'dev', '-w', '--output-watch-events']);
    await ok('create configmap seen -n dev --from-literal=a=1');
    await watching.seen(/ADDED\s+seen\s+1/);
    await ok('patch configmap seen -n dev --type=merge -p {"data":{"b":"2"}}');
    await watching.seen(/MODIFIED\s+seen\s+2/);
    await ok('delete configmap seen -n dev');
    await watching.seen(/DELETED\s+seen\s+2/);
    watching.stop();
  });
});

describe('server-side apply', () => {
  const config = (data: string): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shared, namespace: dev }\ndata: ${data}\n`;

  it('keeps what other managers own, removes what one no longer wants, and names conflicts', async () => {
    await ok('apply --server-side --field-manager=one -f -', config('{ a: "1", b: "1" }'));
    await ok('apply --server-side --field-manager=two -f -', config('{ c: "2" }'));
    const clash = await kubectl('apply --server-side --field-manager=two -f -', config('{ a: "2", c: "2" }'));
    expect(clash.code).toBe(1);
    expect(clash.err).toMatch(/conflict with "one".*\.data\.a/s);
    await ok('apply --server-side --field-manager=two --force-conflicts -f -', config('{ a: "2", c: "2" }'));
    await ok('apply --server-side --field-manager=one -f -', config('{}'));
    expect(await ok('get configmap -n dev shared -o jsonpath={.data}')).toBe('{"a":"2","c":"2"}');
  });

  it('merges lists of named items by name', async () => {
    const deployment = (container: string): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ssa, namespace: dev }\nspec:\n  selector: { matchLabels: { a: b } }\n  template:\n    metadata: { labels: { a: b } }\n    spec: { containers: [${container}] }\n`;
    await ok('apply --server-side --field-manager=one -f -', deployment('{ name: x, image: one }'));
    await ok('apply --server-side --field-manager=two -f -', deployment('{ name: z, image: two }'));
    expect(await ok('get deploy -n dev ssa -o jsonpath={.spec.template.spec.containers[*].image}')).toBe('one two');
    await ok('apply --server-side --field-manager=one -f -', deployment('{ name: x, image: three }'));
    expect(await ok('get deploy -n dev ssa -o jsonpath={.spec.template.spec.containers[*].image}')).toBe('three two');
  });
});

describe('custom resources', () => {
  const CRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: pools.example.test }
spec:
  group: example.test
  scope: Cluster
  names: { plural: pools, singular: pool, kind: Pool, shortNames: [pl] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources: { status: {}, scale: { specReplicasPath: .spec.size, statusReplicasPath: .status.size } }
    additionalPrinterColumns:
    - { name: CIDR, type: string, jsonPath: .spec.cidr }
    schema:
      openAPIV3Schema:
        type: object
        description: A pool of addresses.
        properties:
          spec:
            type: object
            required: [cidr]
            properties:
              cidr: { type: string, pattern: '^[0-9./]+$', description: The block. }
              size: { type: integer, minimum: 1, default: 3 }
              mode: { type: string, enum: [Always, Never] }
              slots: { type: array, items: { type: integer, nullable: true } }
          status:
            type: object
            properties: { size: { type: integer } }
`;
  const pool = (spec: string): string =>
    `apiVersion: example.test/v1\nkind: Pool\nmetadata: { name: p }\nspec: ${spec}\n`;

  it('are served as soon as their definition is, with defaults, columns, explain and scale', async () => {
    await ok('apply -f -', CRD);
    await ok('wait --for=condition=Established crd/pools.example.test --timeout=120s');
    expect(await ok('apply -f -', pool('{ cidr: 10.0.0.0/8, slots: [1, null, 2] }'))).toContain(
      'pool.example.test/p created',
    );
    expect(await ok('get pl')).toMatch(/NAME\s+CIDR\np\s+10\.0\.0\.0\/8/);
    expect(await ok('get pool p -o jsonpath={.spec}')).toBe('{"cidr":"10.0.0.0/8","size":3,"slots":[1,null,2]}');
    expect(await ok('explain pool.spec.cidr')).toContain('The block.');
    await ok('scale pool p --replicas=5');
    expect(await ok('get pool p -o jsonpath={.spec.size}')).toBe('5');
  });

  it.each([
    ['a field that the schema does not have', '{ cidr: 10.0.0.0/8, cidrs: x }', 'unknown field "spec.cidrs"'],
    ['a value that is not in the list', '{ cidr: 10.0.0.0/8, mode: Maybe }', 'supported values: "Always", "Never"'],
    ['a number below the least', '{ cidr: 10.0.0.0/8, size: 0 }', 'spec.size'],
    ['a missing field', '{ size: 1 }', 'spec.cidr: Required value'],
    ['a wrong type', '{ cidr: 10 }', 'spec.cidr in body must be of type string'],
  ])('refuse %s', async (_what, spec, words) => {
    const { code, err } = await kubectl('apply -f -', pool(spec));
    expect(code).toBe(1);
    expect(err).toContain(words);
  });

  it('go with their definition', async () => {
    await ok('delete crd pools.example.test');
    expect((await kubectl('get pools')).code).toBe(1);
  });
});

describe('access', () => {
  it('follows RBAC for service accounts and refuses strangers', async () => {
    await ok('create serviceaccount reader -n dev');
    const asReader = ['--as=system:serviceaccount:dev:reader'];
    expect((await cluster.kubectl(['auth', 'can-i', 'list', 'pods', '-n', 'dev', ...asReader])).out).toBe('no\n');
    await ok('create role pods -n dev --verb=get,list --resource=pods,pods/log');
    await ok('create rolebinding pods -n dev --role=pods --serviceaccount=dev:reader');
    expect(await cluster.ok(['auth', 'can-i', 'list', 'pods', '-n', 'dev', ...asReader])).toBe('yes\n');
    const refused = await cluster.kubectl(['get', 'pods', '-n', 'default', ...asReader]);
    expect(refused.err).toContain(
      'pods is forbidden: User "system:serviceaccount:dev:reader" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    const token = (await ok('create token reader -n dev')).trim();
    const bare = ['--kubeconfig=/dev/null', `--server=${cluster.server.url}`, '--insecure-skip-tls-verify'];
    expect((await cluster.kubectl([...bare, `--token=${token}`, 'get', 'pods', '-n', 'dev'])).code).toBe(0);
    const stranger = await cluster.kubectl([...bare, '--token=made.up.token', 'get', 'pods']);
    expect(stranger.err).toMatch(/must be logged in|Unauthorized/);
  });
});

describe('namespaces', () => {
  it('carry their name as a label and end through their finalizer', async () => {
    await ok('create namespace short');
    expect(await ok('get ns short -o jsonpath={.metadata.labels}')).toBe('{"kubernetes.io/metadata.name":"short"}');
    await ok('delete ns short --wait=false');
    expect(await ok('get ns short')).toMatch(/short\s+Terminating/);
    expect((await kubectl('create configmap late -n short')).err).toContain('because it is being terminated');
    await ok('replace --raw /api/v1/namespaces/short/finalize -f -', '{"metadata":{"name":"short"},"spec":{}}');
    expect((await kubectl('get ns short')).err).toContain('NotFound');
  });
});
