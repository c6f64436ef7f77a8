import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inNetns } from '../netns/netns.ts';
import { etcdClient } from './client.ts';
import type { EtcdConfig } from './client.ts';
import { parseEndpoints } from './endpoint.ts';
import type { TestCertificates } from './certificates.test-support.ts';
import type { Etcd } from './types.ts';

/** Milliseconds that a call may take on a machine that has much else to do. */
const PATIENCE = 240_000;

/** How to start a server. */
export interface EtcdServerOptions {
  /** Serve TLS and ask clients for certificates. */
  readonly certificates?: TestCertificates;
  readonly arguments?: readonly string[];
  /** Serve here instead of on a socket, comma-separated. */
  readonly clientUrls?: string;
  /** Run in the network namespace at this path. */
  readonly netns?: string;
  /** One of several members that share a directory. */
  readonly member?: { readonly directory: string; readonly index: number; readonly members: number };
}

/** A real etcd of one member on unix sockets in a directory of its own, so that tests can run beside each other. */
export class EtcdServer implements AsyncDisposable {
  readonly directory: string;
  readonly #options: EtcdServerOptions;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(options: EtcdServerOptions) {
    this.#options = options;
    this.directory = options.member?.directory ?? mkdtempSync(join(tmpdir(), 'sluice-etcd-'));
  }

  /** A cluster that outlives the loss of one of its members. */
  static startThree(): Promise<readonly EtcdServer[]> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-etcd-'));
    return Promise.all([0, 1, 2].map((index) => EtcdServer.start({ member: { directory, index, members: 3 } })));
  }

  static async start(options: EtcdServerOptions = {}): Promise<EtcdServer> {
    const server = new EtcdServer(options);
    await server.start();
    return server;
  }

  /** Starts it with whatever data there is; resolves when it answers. */
  async start(): Promise<void> {
    // etcd wants `host:port` of a socket's URL and makes a file of that name where it runs.
    // One that was killed has left its sockets behind.
    for (const socket of [this.#socket, peerOf(this.#index)]) rmSync(join(this.directory, socket), { force: true });
    const process = this.#spawn(this.#options.clientUrls ?? `${this.#scheme}://${this.#socket}`);
    this.#process = process;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
      if (text.includes('ready to serve client requests')) resolve();
    });
    process.once('error', reject);
    process.once('exit', () => reject(new Error(`etcd has ended: ${this.#log}`)));
    await ready;
  }

  get #index(): number {
    return this.#options.member?.index ?? 0;
  }

  get #scheme(): string {
    return this.#options.certificates === undefined ? 'unix' : 'unixs';
  }

  /** Where clients are served, in the directory. */
  get #socket(): string {
    return `localhost:${1 + 2 * this.#index}`;
  }

  #spawn(client: string): ChildProcess {
    const peer = `unix://${peerOf(this.#index)}`;
    const { members = 1 } = this.#options.member ?? {};
    const cluster = Array.from({ length: members }, (_, index) => `member-${index}=unix://${peerOf(index)}`);
    // One member alone waits for nobody; of several, none may lose its lead because the machine is busy.
    const [heartbeat, election] = members > 1 ? ['300', '3000'] : ['20', '200'];
    const timing = ['--heartbeat-interval', heartbeat, '--election-timeout', election];
    const start = (): ChildProcess =>
      spawn(
        'etcd',
        [
          ['--name', `member-${this.#index}`, '--data-dir', `data-${this.#index}`],
          ['--listen-client-urls', client],
          ['--advertise-client-urls', client],
          ['--listen-peer-urls', peer],
          ['--initial-advertise-peer-urls', peer],
          ['--initial-cluster', cluster.join(',')],
          timing,
          this.#tlsArguments(),
          this.#options.arguments ?? [],
        ].flat(),
        { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] },
      );
    return this.#options.netns === undefined ? start() : inNetns(this.#options.netns, start);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  /** As if it was cut off from all others, until {@link resume}: it takes connections and does not answer. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  get endpoint(): string {
    return `${this.#scheme}://${join(this.directory, this.#socket)}`;
  }

  config(more: Partial<EtcdConfig> = {}): EtcdConfig {
    const { certificates } = this.#options;
    const identity = certificates === undefined ? {} : { ca: certificates.ca, ...certificates.client };
    return { endpoints: parseEndpoints(this.endpoint), timeout: PATIENCE, ...identity, ...more };
  }

  client(more: Partial<EtcdConfig> = {}): Etcd {
    return etcdClient(this.config(more));
  }

  /** Runs etcdctl against it and returns what it prints. */
  ctl(...args: readonly string[]): string {
    const files = this.#options.certificates === undefined ? [] : this.#tlsFiles();
    const tls = files.length === 0 ? [] : ['--cacert', files[0]!, '--cert', files[3]!, '--key', files[4]!];
    // Where the socket is, because etcdctl, too, takes what follows `unix://` for a host and a port.
    const endpoint = `${this.#scheme}://${this.#socket}`;
    const patience = ['--dial-timeout', `${PATIENCE}ms`, '--command-timeout', `${PATIENCE}ms`];
    const { status, stdout, stderr } = spawnSync('etcdctl', ['--endpoints', endpoint, ...patience, ...tls, ...args], {
      cwd: this.directory,
      env: { ...process.env, ETCDCTL_API: '3' },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #tlsFiles(): readonly string[] {
    const { ca, server, client } = this.#options.certificates!;
    const files = { ca, server: server.certificate, serverKey: server.key, cert: client.certificate, key: client.key };
    return Object.entries(files).map(([name, text]) => {
      const path = join(this.directory, `${name}.pem`);
      writeFileSync(path, text);
      return path;
    });
  }

  #tlsArguments(): readonly string[] {
    if (this.#options.certificates === undefined) return [];
    const [ca, certificate, key] = this.#tlsFiles();
    return ['--trusted-ca-file', ca!, '--cert-file', certificate!, '--key-file', key!, '--client-cert-auth'];
  }
}

/** Where the members of a cluster talk to one, in the directory. */
function peerOf(index: number): string {
  return `localhost:${2 + 2 * index}`;
}
