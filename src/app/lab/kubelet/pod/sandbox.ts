import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { SluiceError } from '../../../../base/errors.ts';
import type { NamespaceKind } from '../../../../host/container/namespaces.ts';
import { spawnIn } from '../../../../host/container/namespaces.ts';
import { expectSuccess } from '../../../../host/errno.ts';
import { AF_INET, SOCK_DGRAM, close, ioctl, sethostname, socket } from '../../../../host/libc.ts';
import { createNetns, deleteNetns, inNetns } from '../../../../host/netns/netns.ts';
import { NODE_PATHS } from '../config.ts';
import { podHostname } from './hosts-file.ts';
import type { NodePod } from './types.ts';

/** The namespaces that a pod's containers share, held by a process that only waits. */
export interface Sandbox {
  readonly id: string;
  /** Path of the network namespace on the node; the node's own for hostNetwork. */
  readonly netns: string;
  readonly hostNetwork: boolean;
  readonly pausePid: number;
  /** Namespaces for a container to join. */
  readonly join: Partial<Readonly<Record<NamespaceKind, string>>>;
  /** Whether each container gets a pid namespace of its own. */
  readonly ownPid: boolean;
  /** Resolves when the holding process ends, wanted or not. */
  readonly ended: Promise<void>;
  /** Ends the holding process and forgets the network namespace; the network must have been undone before. */
  remove(): void;
}

/** Makes a pod's namespaces with the loopback interface up; the pod's network is attached afterwards. */
export function createSandbox(pod: NodePod, busybox: string): Sandbox {
  const { spec } = pod;
  const hostNetwork = spec.hostNetwork ?? false;
  const id = randomBytes(32).toString('hex');
  const netns = hostNetwork ? '/proc/1/ns/net' : `${NODE_PATHS.netns}/cni-${randomUUID()}`;
  if (!hostNetwork) {
    createNetns(netns);
    inNetns(netns, () => {
      loopbackUp();
      for (const { name, value } of spec.securityContext?.sysctls ?? []) setSysctl(name, value);
    });
  }
  const pause = startPause(pod, netns, busybox);
  const { pid } = pause;
  if (pid === undefined) throw new SluiceError('start-failed', 'the process that holds the namespaces did not start');
  const shared = (kind: NamespaceKind, wanted: boolean): Partial<Record<NamespaceKind, string>> =>
    wanted ? { [kind]: `/proc/${pid}/ns/${kind}` } : {};
  return {
    id,
    netns,
    hostNetwork,
    pausePid: pid,
    join: {
      ...(hostNetwork ? {} : { net: netns }),
      ...shared('uts', !hostNetwork),
      ...shared('ipc', !spec.hostIPC),
      ...shared('pid', spec.shareProcessNamespace ?? false),
    },
    ownPid: !spec.shareProcessNamespace && !spec.hostPID,
    ended: new Promise((resolve) => pause.once('exit', () => resolve())),
    remove: () => {
      pause.kill('SIGKILL');
      if (!hostNetwork) deleteNetns(netns);
    },
  };
}

function startPause(pod: NodePod, netns: string, busybox: string): ChildProcess {
  const { spec, name } = pod;
  const hostname = podHostname(spec, name);
  const create: NamespaceKind[] = [
    ...(spec.hostNetwork ? [] : (['uts'] as const)),
    ...(spec.hostIPC ? [] : (['ipc'] as const)),
    ...(spec.shareProcessNamespace ? (['pid'] as const) : []),
  ];
  return spawnIn(
    {
      ...(spec.hostNetwork ? {} : { join: { net: netns } }),
      create,
      prepare: () => {
        if (!spec.hostNetwork) expectSuccess(sethostname(hostname, Buffer.byteLength(hostname)), 'naming the pod');
      },
    },
    busybox,
    ['sleep', '2147483647'],
    { stdio: 'ignore', cwd: '/', env: {} },
  );
}

/** ioctl(2) request that sets an interface's flags (linux/sockios.h) and the flag IFF_UP. */
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;

function loopbackUp(): void {
  const fd = expectSuccess(socket(AF_INET, SOCK_DGRAM, 0), 'opening a socket');
  try {
    // struct ifreq: 16 bytes of name, then the flags; 40 bytes in all.
    const request = Buffer.alloc(40);
    request.write('lo', 'latin1');
    request.writeInt16LE(IFF_UP, 16);
    expectSuccess(ioctl(fd, SIOCSIFFLAGS, request), 'bringing up lo');
  } finally {
    close(fd);
  }
}

function setSysctl(name: string, value: string): void {
  writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value);
}
