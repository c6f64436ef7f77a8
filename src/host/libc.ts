import koffi from 'koffi';
import type { KoffiFunc } from 'koffi';

/**
 * The C library's system calls, bound once for every program of Sluice. Each returns what the call returns, or the
 * errno negated (as the kernel itself does), so that expected outcomes such as EAGAIN need no exception; wrap a call in
 * `expectSuccess` where failure is one. All are synchronous and act on the calling thread.
 */
const libc = koffi.load(null);

/** Anything that C reads from or writes to. */
export type CBuffer = Uint8Array | Int32Array;

function bind<Arguments extends readonly unknown[]>(
  name: string,
  parameters: readonly string[],
  result: 'int' | 'long' = 'int',
): (...values: Arguments) => number {
  const call: KoffiFunc<(...values: unknown[]) => number | bigint> = libc.func(name, result, [...parameters]);
  return (...values) => {
    const value = Number(call(...values));
    return value === -1 ? -koffi.errno() : value;
  };
}

/** open(2). */
export const open = bind<[path: string, flags: number, mode: number]>('open', ['str', 'int', 'int']);
/** close(2). */
export const close = bind<[fd: number]>('close', ['int']);
/** ioctl(2) with a pointer as its argument. */
export const ioctl = bind<[fd: number, request: number, buffer: CBuffer]>('ioctl', ['int', 'ulong', 'void *']);
/** ioctl(2) with a number, or nothing, as its argument. */
export const ioctlValue = bind<[fd: number, request: number, value: number]>('ioctl', ['int', 'ulong', 'long']);
/** poll(2) over packed `struct pollfd`s (fd i32, events i16, revents i16). */
export const poll = bind<[fds: CBuffer, count: number, timeoutMs: number]>('poll', ['void *', 'ulong', 'int']);
/** epoll_create1(2). */
export const epollCreate1 = bind<[flags: number]>('epoll_create1', ['int']);
/** epoll_ctl(2); `event` is a `struct epoll_event`, packed on x86-64 only. */
export const epollCtl = bind<[epfd: number, op: number, fd: number, event: CBuffer]>('epoll_ctl', [
  'int',
  'int',
  'int',
  'void *',
]);
/** epoll_wait(2). */
export const epollWait = bind<[epfd: number, events: CBuffer, maximum: number, timeoutMs: number]>('epoll_wait', [
  'int',
  'void *',
  'int',
  'int',
]);

/** socket(2). */
export const socket = bind<[domain: number, type: number, protocol: number]>('socket', ['int', 'int', 'int']);
/** bind(2). */
export const bindSocket = bind<[fd: number, address: CBuffer, length: number]>('bind', ['int', 'void *', 'uint32_t']);
/** connect(2). */
export const connect = bind<[fd: number, address: CBuffer, length: number]>('connect', ['int', 'void *', 'uint32_t']);
/** listen(2). */
export const listen = bind<[fd: number, backlog: number]>('listen', ['int', 'int']);
/** accept4(2) that does not ask for the peer's address. */
export const accept4 = bind<[fd: number, address: null, length: null, flags: number]>('accept4', [
  'int',
  'void *',
  'void *',
  'int',
]);
/** getsockopt(2); `length` is one u32, in and out. */
export const getsockopt = bind<[fd: number, level: number, option: number, value: CBuffer, length: CBuffer]>(
  'getsockopt',
  ['int', 'int', 'int', 'void *', 'void *'],
);
/** setsockopt(2). */
export const setsockopt = bind<[fd: number, level: number, option: number, value: CBuffer, length: number]>(
  'setsockopt',
  ['int', 'int', 'int', 'void *', 'uint32_t'],
);
/** send(2). */
export const send = bind<[fd: number, buffer: CBuffer, length: number, flags: number]>(
  'send',
  ['int', 'void *', 'size_t', 'int'],
  'long',
);
/**
 * send(2) in a thread of libuv's pool, for calls that keep the kernel busy for long. `buffer` must stay as it is until
 * the promise resolves, to the number of bytes or to -1: which errno that was cannot be told from here.
 */
export function sendInThread(fd: number, buffer: CBuffer): Promise<number> {
  return new Promise((resolve, reject) => {
    SEND.async(fd, buffer, buffer.byteLength, 0, (error: Error | null, result: number | bigint) =>
      error === null ? resolve(Number(result)) : reject(error),
    );
  });
}

/** recv(2) in a thread of libuv's pool: waits there until something comes. Resolves to -1 for any failure. */
export function recvInThread(fd: number, buffer: CBuffer): Promise<number> {
  return new Promise((resolve, reject) => {
    RECV.async(fd, buffer, buffer.byteLength, 0, (error: Error | null, result: number | bigint) =>
      error === null ? resolve(Number(result)) : reject(error),
    );
  });
}

const SEND = libc.func('send', 'long', ['int', 'void *', 'size_t', 'int']);
const RECV = libc.func('recv', 'long', ['int', 'void *', 'size_t', 'int']);

/** sendto(2). */
export const sendto = bind<
  [fd: number, buffer: CBuffer, length: number, flags: number, address: CBuffer, addressLength: number]
>('sendto', ['int', 'void *', 'size_t', 'int', 'void *', 'uint32_t'], 'long');
/** recv(2). */
export const recv = bind<[fd: number, buffer: CBuffer, length: number, flags: number]>(
  'recv',
  ['int', 'void *', 'size_t', 'int'],
  'long',
);
/** read(2) to an address. */
export const readTo = bind<[fd: number, address: number, length: number]>(
  'read',
  ['int', 'uint64_t', 'size_t'],
  'long',
);
/** writev(2) from an array of `struct iovec` at an address. */
export const writev = bind<[fd: number, iovecs: number, count: number]>('writev', ['int', 'uint64_t', 'int'], 'long');
/** sendmmsg(2) of an array of `struct mmsghdr` at an address. */
export const sendmmsg = bind<[fd: number, messages: number, count: number, flags: number]>('sendmmsg', [
  'int',
  'uint64_t',
  'uint',
  'int',
]);
/** recvmmsg(2) without a timeout, to an array of `struct mmsghdr` at an address. */
export const recvmmsg = bind<[fd: number, messages: number, count: number, flags: number, timeout: null]>('recvmmsg', [
  'int',
  'uint64_t',
  'uint',
  'int',
  'void *',
]);
/** write(2). */
export const writeValue = bind<[fd: number, buffer: CBuffer | BigUint64Array, length: number]>(
  'write',
  ['int', 'void *', 'size_t'],
  'long',
);
/** eventfd(2). */
export const eventfd = bind<[count: number, flags: number]>('eventfd', ['uint', 'int']);
/** setns(2). Thread-scoped: use `inNetns` for network namespaces, which knows the rules. */
export const setns = bind<[fd: number, type: number]>('setns', ['int', 'int']);
/** unshare(2). Thread-scoped for everything but CLONE_NEWPID (children) and CLONE_NEWUSER (refused: Node has threads). */
export const unshare = bind<[flags: number]>('unshare', ['int']);
/** mount(2); null where the call takes a null pointer. */
export const mount = bind<
  [source: string | null, target: string, type: string | null, flags: number, data: string | null]
>('mount', ['str', 'str', 'str', 'ulong', 'str']);
/** umount2(2). */
export const umount2 = bind<[target: string, flags: number]>('umount2', ['str', 'int']);
/** sethostname(2). */
export const sethostname = bind<[name: string, length: number]>('sethostname', ['str', 'size_t']);
/** prctl(2) with numbers as its arguments. */
export const prctl = bind<[option: number, a: number, b: number, c: number, d: number]>('prctl', [
  'int',
  'ulong',
  'ulong',
  'ulong',
  'ulong',
]);
const syscall6 = bind<[number: number, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint]>(
  'syscall',
  ['long', 'int64_t', 'int64_t', 'int64_t', 'int64_t', 'int64_t', 'int64_t'],
  'long',
);

/** Any system call by number. Strings are passed as C strings, buffers as their address. */
export function syscall(number: number, ...values: readonly (number | bigint | string | CBuffer | null)[]): number {
  // The C strings must outlive the call, so they are held here.
  const held = values.map((value) => (typeof value === 'string' ? Buffer.from(`${value}\0`) : value));
  const words = held.map((value) =>
    value === null ? 0n : typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : koffi.address(value),
  );
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = words;
  return syscall6(number, a, b, c, d, e, f);
}

/** System call numbers that the C library wraps only in part (asm/unistd_64.h, asm-generic/unistd.h). */
const NUMBERS = process.arch === 'arm64' ? { pivotRoot: 41, bpf: 280 } : { pivotRoot: 155, bpf: 321 };
const MOUNT_SETATTR = 442;

/** pivot_root(2). */
export function pivotRoot(newRoot: string, putOld: string): number {
  return syscall(NUMBERS.pivotRoot, newRoot, putOld);
}

/** bpf(2); `attributes` is a `union bpf_attr`, in and out. */
export function bpf(command: number, attributes: Uint8Array, length: number): number {
  return syscall(NUMBERS.bpf, command, attributes, length);
}

/** mount_setattr(2): sets and clears MOUNT_ATTR_* on the mount at `path`, and below it with AT_RECURSIVE in `flags`. */
export function mountSetattr(
  path: string,
  flags: number,
  attributes: { readonly set?: number; readonly clear?: number; readonly propagation?: number },
): number {
  const { set = 0, clear = 0, propagation = 0 } = attributes;
  const struct = new Uint8Array(new BigUint64Array([set, clear, propagation, 0].map(BigInt)).buffer);
  return syscall(MOUNT_SETATTR, AT_FDCWD, path, flags, struct, struct.length);
}

/** Wakes `listener` from Node's event loop whenever `fd` is readable, until disposed. Keep the result referenced. */
export function whenReadable(fd: number, listener: () => void): Disposable & { ref(): void; unref(): void } {
  // libuv stops polling when the handle is garbage-collected, so the closure below keeps it alive with the result.
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    listener();
    // Node looks after promises when a callback of its own returns. This is none: what the listener has resolved would
    // wait for the next timer, however far that is.
    setImmediate(nothing);
  });
  return {
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    [Symbol.dispose]: () => handle.close(),
  };
}

function nothing(): void {}

/** Relative paths and `*at` calls: the current directory (fcntl.h). */
export const AT_FDCWD = -100;
/** mount_setattr(2): the whole tree below (fcntl.h). */
export const AT_RECURSIVE = 0x8000;

/** eventfd(2): close the descriptor on exec (linux/eventfd.h). */
export const EFD_CLOEXEC = 0o2000000;

/** open(2) flags (asm-generic/fcntl.h; those used here are the same on x86-64 and arm64). */
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

/** Namespace kinds (linux/sched.h). */
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

/** mount(2) flags (linux/mount.h). */
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
/** umount2(2): detach now, clean up when no longer busy. */
export const MNT_DETACH = 2;
/** mount_setattr(2) attributes (linux/mount.h). */
export const MOUNT_ATTR_RDONLY = 1;

/** prctl(2): the signal to receive when the parent dies (linux/prctl.h). */
export const PR_SET_PDEATHSIG = 1;

/** Socket constants (asm-generic/socket.h, linux/socket.h, linux/in.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = O_NONBLOCK;
export const SOCK_CLOEXEC = O_CLOEXEC;
export const MSG_DONTWAIT = 0x40;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
/** poll(2) and epoll(7) events. */
export const POLLIN = 1;
export const POLLOUT = 4;
