import type { Logger } from '../../base/log.ts';
import type { ResourceDefinition, ValidateObject } from '../../core/objectstore/index.ts';
import type { DurableStore } from '../../core/objectstore/index.ts';

/** How one API server is reached and what it hands out. */
export interface ApiServerOptions {
  /** Folder for certificates (`pki/`) and, if wanted, the kubeconfig. Created when missing. */
  readonly stateDir: string;
  /** Name of cluster, user and context in the kubeconfig. */
  readonly clusterName: string;
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** A unix socket that serves the same, TLS as on TCP; a stale file is replaced. */
  readonly socketPath?: string;
  /** Where the kubeconfig goes; default `<stateDir>/kubeconfig`. */
  readonly kubeconfigPath?: string;
  /** One CIDR per family, primary first. */
  readonly serviceCidrs: readonly string[];
  /** Inclusive; default 30000 to 32767. */
  readonly nodePortRange?: { readonly from: number; readonly to: number };
  /** Endpoint of the Service `kubernetes`: where pods and nodes find this server. */
  readonly advertise: { readonly addresses: readonly string[]; readonly port: number };
}

/** What one API server needs from outside. */
export interface ApiServerDependencies {
  readonly store: DurableStore;
  readonly log: Logger;
  /** The unix socket of a node's kubelet, for exec, attach, log and port-forward; undefined: no such node. */
  readonly kubeletSocket: (nodeName: string) => string | undefined;
  /** Semantic validation beyond the schema; every issue is answered at once. */
  readonly validateObject?: ValidateObject;
  /** What there is without a CustomResourceDefinition; default everything that this server knows. */
  readonly builtin?: readonly ResourceDefinition[];
  /** Wall clock, default `() => new Date()`. */
  readonly now?: () => Date;
}
