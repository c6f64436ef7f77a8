/** What a container of some image runs: the lab has no images, only programs of the host and of its own. */
export interface ImageProgram {
  /** The kind of image, for logs and `kubectl describe`: `nginx`, `busybox`, `listener`… */
  readonly kind: string;
  /** What runs when the manifest gives no command, or one that this machine does not have. */
  readonly program: readonly string[];
  /** Whether arguments of the manifest are a command of their own, as in images whose entrypoint is empty or runs them. */
  readonly argumentsAreCommand: boolean;
  /** Whether an absent command is replaced by `program`; a shell's image fails instead, as it really would. */
  readonly fallBack: boolean;
  /** Search path inside the container. */
  readonly path: string;
  /** Names that mean something else than a file on the search path: name → program and first arguments. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly directories: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Whether the program is part of this checkout, which the container then sees. */
  readonly needsCheckout: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/** What the choice of a program may depend on. */
export interface ImageContext {
  readonly podName: string;
  readonly podNamespace: string;
  readonly containerName: string;
  /** Declared ports of the container. */
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
  readonly repository: string;
  /** The node executable. */
  readonly node: string;
  readonly busybox: string;
  /** Directory with busybox under each of its names. */
  readonly applets: string;
}

/** Search path of ordinary images. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
