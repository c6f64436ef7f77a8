import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lint } from '../src/core/lint/index.ts';
import { readSources } from '../src/cli/read-manifests.ts';
import { manifestSchemas } from '../src/cli/schemas.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

const DOCUMENTS = 5_000;
const PODS = 20;
const ALLOWS = 5;
/** Of a namespace: itself, its pods, a default deny, the policies that allow, a Service. */
const PER_NAMESPACE = 1 + PODS + 1 + ALLOWS + 1;
const RUNS = 5;
const MAIN = join(import.meta.dirname, '../src/cli/main.ts');

/** `npm run bench -- lint` */
export const bench: Bench = {
  name: 'lint',
  about: `sluice lint of ${DOCUMENTS} documents: ${PODS} pods, a default deny, ${ALLOWS} allows and a Service a namespace`,
  // eslint-disable-next-line typescript/require-await -- the harness asks for a promise
  run: async (note) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'));
    try {
      const bytes = writeDocuments(folder);
      note(`${(bytes / 2 ** 20).toFixed(1)} MB in ${Math.ceil(DOCUMENTS / PER_NAMESPACE)} files`);
      return measure(folder, note);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function measure(folder: string, note: (text: string) => void): Figure[] {
  const walls: number[] = [];
  // As the launcher does; the first run, which fills the cache, does not count.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, '.cache') };
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'lint', '-f', folder], { env, encoding: 'utf8' });
    if (run > 0) walls.push((performance.now() - start) / 1000);
    if (status !== 0) throw new Error(`the generated manifests are not clean: ${stdout.split('\n')[0]}`);
  }
  note(`runs: ${walls.map((each) => each.toFixed(2)).join(', ')} s`);
  const parsing: number[] = [];
  const judging: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    const { sources } = readSources([folder]);
    const parsed = performance.now();
    lint(sources, { schemas: manifestSchemas() });
    parsing.push((parsed - start) / 1000);
    judging.push((performance.now() - parsed) / 1000);
  }
  return [
    { figure: 'the whole command, median', value: median(walls), unit: 's', bar: { atMost: 1.5 } },
    { figure: 'of which reading and parsing, warm', value: median(parsing), unit: 's' },
    { figure: 'of which all rules, warm', value: median(judging), unit: 's' },
  ];
}

function writeDocuments(folder: string): number {
  let bytes = 0;
  let left = DOCUMENTS;
  for (let index = 0; left > 0; index++) {
    const documents = namespaceDocuments(index).slice(0, left);
    left -= documents.length;
    const text = documents.join('---\n');
    bytes += text.length;
    writeFileSync(join(folder, `ns-${index}.yaml`), text);
  }
  return bytes;
}

function namespaceDocuments(index: number): string[] {
  const namespace = `ns-${index}`;
  const pods = Array.from({ length: PODS }, (_, at) => pod(namespace, at));
  const allows = Array.from({ length: ALLOWS }, (_, at) => allow(namespace, at));
  return [
    `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n  labels:\n    team: team-${index % 10}\n`,
    ...pods,
    policy(namespace, 'default-deny', '  podSelector: {}\n  policyTypes:\n    - Ingress\n'),
    ...allows,
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: ${namespace}\nspec:\n  selector:\n    app: app-0\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n`,
  ];
}

function pod(namespace: string, index: number): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: pod-${index}
  namespace: ${namespace}
  labels:
    app: app-${index % ALLOWS}
    tier: tier-${index % 2}
spec:
  containers:
    - name: main
      image: registry.example.test/app:1.${index}
      ports:
        - name: http
          containerPort: 8080
          protocol: TCP
      env:
        - name: LOG_LEVEL
          value: info
      resources:
        requests:
          cpu: 100m
          memory: 128Mi
`;
}

function allow(namespace: string, index: number): string {
  return policy(
    namespace,
    `allow-${index}`,
    `  podSelector:
    matchLabels:
      app: app-${index}
  policyTypes:
    - Ingress
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              team: team-${index}
          podSelector:
            matchLabels:
              app: app-${(index + 1) % ALLOWS}
        - ipBlock:
            cidr: 10.${index}.0.0/16
      ports:
        - protocol: TCP
          port: 8080
`,
  );
}

function policy(namespace: string, name: string, spec: string): string {
  return `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\nspec:\n${spec}`;
}
