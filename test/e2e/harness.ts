import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { openLab } from '../../src/app/lab/lab.ts';
import type { LabAttempt, LabBackend, LabIpFamily, LabPlace, RunningLab } from '../../src/app/lab/lab-types.ts';
import { kubectlFor, type Kubectl, type KubectlResult } from '../../src/cli/kubectl.ts';
import { reachabilityTable } from '../../src/cli/reachability-table.ts';
import { UNDECLARED, compareReachability, type Comparison } from '../../src/cli/reachability.ts';
import type { Pod } from '../../src/core/kube/types.ts';
import { httpKubeClient, type HttpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';
import { PODS } from '../../src/host/kube-client/resources.ts';

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** How long anything that a cluster does may take before a test gives up, in milliseconds. */
const PATIENCE = 120_000;

/** What a run of the command line came to. */
export interface SluiceResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place for clusters of this test run alone, so that it can neither find nor leave others. */
export function cleanHome(): { readonly env: NodeJS.ProcessEnv; readonly remove: () => void } {
  const home = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
  const env = { ...process.env, SLUICE_HOME: home, SLUICE_RUN_DIR: join(home, 'run') };
  return { env, remove: () => rmSync(home, { recursive: true, force: true }) };
}

/** Runs `sluice ARGS` to its end. */
export function sluice(args: readonly string[], env: NodeJS.ProcessEnv): Promise<SluiceResult> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args], { env, cwd: ROOT });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? 1, stdout, stderr }));
  });
}

/** How a test's cluster is made. */
export interface ClusterShape {
  readonly backend?: LabBackend;
  readonly ipFamily?: LabIpFamily;
  readonly nodes?: number;
}

/** A running cluster of a test. */
export class TestCluster implements AsyncDisposable {
  readonly name: string;
  readonly shape: Required<ClusterShape>;
  readonly env: NodeJS.ProcessEnv;
  readonly lab: RunningLab;
  readonly client: HttpKubeClient;
  readonly kubectl: Kubectl;
  readonly #removeHome: () => void;

  private constructor(
    shape: Required<ClusterShape>,
    home: ReturnType<typeof cleanHome>,
    lab: RunningLab,
    client: HttpKubeClient,
  ) {
    this.name = lab.paths.name;
    this.shape = shape;
    this.env = home.env;
    this.lab = lab;
    this.client = client;
    this.kubectl = kubectlFor(lab.paths.kubeconfig, home.env);
    this.#removeHome = home.remove;
  }

  /** Starts a cluster with `sluice up`. */
  static async start(shape: ClusterShape = {}): Promise<TestCluster> {
    const full = { backend: 'vxlan', ipFamily: 'ipv4', nodes: 3, ...shape } as const;
    const home = cleanHome();
    const name = 'e2e';
    const { backend, ipFamily, nodes } = full;
    const args = ['up', '--name', name, '--backend', backend, '--ip-family', ipFamily, '--nodes', String(nodes)];
    const { code, stderr } = await sluice(args, home.env);
    const lab = await openLab(name, { env: home.env, uid: process.getuid!() });
    if (code !== 0 || lab === undefined) {
      await sluice(['down', '--name', name], home.env);
      home.remove();
      throw new Error(`sluice ${args.join(' ')} failed (exit ${code}):\n${stderr}`);
    }
    return new TestCluster(full, home, lab, httpKubeClient(await loadKubeconfig(lab.paths.kubeconfig)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await sluice(['down', '--name', this.name], this.env);
    this.#removeHome();
  }

  /** The families that pods have addresses of. */
  get families(): readonly (4 | 6)[] {
    return this.shape.ipFamily === 'dual' ? [4, 6] : this.shape.ipFamily === 'ipv6' ? [6] : [4];
  }

  /** Runs kubectl and expects success. Returns what it printed. */
  async ok(args: string, stdin?: string): Promise<string> {
    const result = await this.run(args, stdin);
    if (result.code !== 0)
      throw new Error(`kubectl ${args} failed (exit ${result.code}):\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** Runs kubectl; `args` are split at blanks, quoted parts stay together. */
  run(args: string, stdin?: string): Promise<KubectlResult> {
    return this.kubectl(splitWords(args), stdin === undefined ? {} : { stdin });
  }

  /** Applies an example or other file of the repository, or a manifest given as text. */
  apply(manifest: string): Promise<string> {
    return manifest.includes('\n') ? this.ok('apply -f -', manifest) : this.ok(`apply -f ${join(ROOT, manifest)}`);
  }

  /** Runs the command line beside the cluster. */
  sluice(...args: readonly string[]): Promise<SluiceResult> {
    return sluice(args, this.env);
  }

  /** Starts kubectl and leaves it running; the caller ends it. */
  spawn(args: string): ChildProcess {
    const env = { ...this.env, KUBECONFIG: this.lab.paths.kubeconfig };
    return spawn('kubectl', splitWords(args), { env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Waits until every pod of the namespaces is ready. */
  async ready(...namespaces: readonly string[]): Promise<void> {
    for (const namespace of namespaces) {
      await this.ok(`wait --for=condition=Ready pod --all -n ${namespace} --timeout=120s`);
    }
  }

  pod(key: string): Promise<Pod> {
    const [namespace = '', name = ''] = key.split('/');
    return this.client.get<Pod>(PODS, { namespace, name });
  }

  /** The pod's address of a family. */
  async address(key: string, family: 4 | 6 = this.families[0]!): Promise<string> {
    const pod = await this.pod(key);
    const found = pod.status?.podIPs?.find(({ ip }) => ip?.includes(':') === (family === 6))?.ip;
    if (found === undefined) throw new Error(`${key} has no IPv${family} address`);
    return found;
  }

  /** Tries one connection with real packets, from pod to pod, in every family of the cluster; `port` absent: ping. */
  async reaches(from: string, to: string, port?: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<boolean> {
    const attempts = await Promise.all(
      this.families.map(async (family): Promise<LabAttempt> => {
        const address = await this.address(to, family);
        const ends = { from: podPlace(from), to: podPlace(to), address };
        return port === undefined ? { ...ends, protocol: 'icmp', port: 0 } : { ...ends, protocol, port };
      }),
    );
    const results = await this.lab.request({ op: 'probe', attempts });
    const verdicts = new Set(results.map(({ verdict }) => verdict));
    if (verdicts.size !== 1 || verdicts.has('error')) throw new Error(`no clear answer: ${JSON.stringify(results)}`);
    return verdicts.has('allowed');
  }

  /**
   * Fails unless real packets between all pods of the namespaces go exactly as the policy engine predicts; with `*` as the
   * first namespace also those from nodes, and to nodes and the host outside. Returns what the packets did.
   */
  async agrees(...namespaces: readonly string[]): Promise<Observed> {
    const include = (pod: { readonly namespace: string }): boolean => namespaces.includes(pod.namespace);
    const scope = { include, beyondPods: namespaces[0] === '*', patience: PATIENCE };
    const comparisons = await compareReachability(this.lab, this.client, scope);
    if (comparisons.some(({ agrees }) => !agrees)) {
      throw new Error(`the kernel and the prediction disagree (≠):\n${reachabilityTable(comparisons)}`);
    }
    if (comparisons.length === 0) throw new Error('nothing to compare');
    return new Observed(comparisons);
  }

  /** Deletes namespaces without waiting for the end, and everything that the scenarios leave in `default`. */
  async clear(...namespaces: readonly string[]): Promise<void> {
    const named = namespaces.filter((namespace) => namespace !== 'default');
    if (named.length > 0) await this.ok(`delete namespace ${named.join(' ')} --wait=false`);
    if (namespaces.includes('default')) {
      await this.ok('delete networkpolicy --all -n default');
      await this.ok('delete pod --all -n default --grace-period=1 --wait=true');
      await this.ok('delete service -n default -l component!=apiserver --ignore-not-found');
    }
  }
}

/** An undeclared port, which every comparison tries. */
export const OTHER_PORT = UNDECLARED;

/** What real packets did. */
export class Observed {
  readonly #comparisons: readonly Comparison[];

  constructor(comparisons: readonly Comparison[]) {
    this.#comparisons = comparisons;
  }

  get tried(): number {
    return this.#comparisons.length;
  }

  get denied(): number {
    return this.#comparisons.filter(({ observed }) => observed.verdict === 'denied').length;
  }

  /** Whether connections to a TCP port that was tried, or pings without one, got through in every family. */
  reaches(from: string, to: string, port?: number): boolean {
    const protocol = port === undefined ? 'ICMP' : 'TCP';
    const found = this.#comparisons.filter(
      ({ probe }) =>
        probe.from.key === from && probe.to.key === to && probe.protocol === protocol && probe.port === port,
    );
    const verdicts = new Set(found.map(({ observed }) => observed.verdict));
    if (verdicts.size !== 1) throw new Error(`no clear answer for ${from} to ${to} ${protocol} ${port ?? ''}`);
    return verdicts.has('allowed');
  }
}

/** A pod given as `namespace/name`, as the lab names it. */
export function podPlace(key: string): LabPlace {
  const [namespace = '', name = ''] = key.split('/');
  return { kind: 'pod', namespace, name };
}

/** Waits for `condition` to hold, and fails with what it said last when it does not within `patience` milliseconds. */
export async function eventually(condition: () => Promise<void> | void, patience = PATIENCE): Promise<void> {
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      await condition();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((again) => setTimeout(again, 50));
    }
  }
}

/** The one document of a YAML text after `change`, for variants of the examples. */
export function variant(text: string, change: (object: Record<string, unknown>) => void): string {
  const object = parse(text) as Record<string, unknown>;
  change(object);
  return JSON.stringify(object);
}

function splitWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/gu)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
}
