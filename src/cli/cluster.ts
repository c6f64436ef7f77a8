import { SluiceError } from '../base/errors.ts';
import type { RunningLab } from '../app/lab/lab-types.ts';
import { openLab } from '../app/lab/lab.ts';
import type { EndpointSlice, Namespace, NetworkPolicy, Node, Pod, Service } from '../core/kube/types.ts';
import { httpKubeClient, type HttpKubeClient } from '../host/kube-client/http-client.ts';
import { loadKubeconfig } from '../host/kube-client/kubeconfig.ts';
import { listAll } from '../host/kube-client/list-all.ts';
import { ENDPOINT_SLICES, NAMESPACES, NETWORK_POLICIES, NODES, PODS, SERVICES } from '../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../host/kube-client/types.ts';
import type { Invocation } from './command.ts';

/** A cluster that a command talks to. */
export interface ClusterAccess extends Disposable {
  readonly client: HttpKubeClient;
  /** Present when this machine runs the cluster; only then can packets be sent in it. */
  readonly lab: RunningLab | undefined;
  /** How messages call it. */
  readonly title: string;
}

/** Opens the cluster of `--kubeconfig`, or the one that this machine runs under `--name`. */
export async function openCluster({ values, env, uid }: Invocation): Promise<ClusterAccess> {
  const kubeconfig = values['kubeconfig'] as string | undefined;
  if (kubeconfig !== undefined) return access(kubeconfig, undefined, `the cluster of ${kubeconfig}`);
  const lab = await openNamedLab(String(values['name']), { env, uid });
  return access(lab.paths.kubeconfig, lab, `cluster '${lab.paths.name}'`);
}

/** The cluster that this machine runs under `name`; throws `not-running` with what to do. */
export async function openNamedLab(
  name: string,
  environment: { readonly env: Invocation['env']; readonly uid: number },
): Promise<RunningLab> {
  const lab = await openLab(name, environment);
  if (lab !== undefined) return lab;
  const start = name === 'sluice' ? 'sluice up' : `sluice up --name ${name}`;
  const message = `cluster '${name}' is not running on this machine: start it with '${start}', or choose another with --name or --kubeconfig`;
  throw new SluiceError('not-running', message);
}

/** Everything that verdicts depend on, as the API server has it now. */
export interface ClusterSnapshot {
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly networkPolicies: readonly NetworkPolicy[];
}

/** Reads a {@link ClusterSnapshot}. */
export async function readSnapshot(client: KubeClient): Promise<ClusterSnapshot> {
  const all = async <T extends KubeObject>(resource: Resource): Promise<readonly T[]> =>
    (await listAll<T>(client, resource)).items;
  const [namespaces, pods, nodes, services, endpointSlices, networkPolicies] = await Promise.all([
    all<Namespace>(NAMESPACES),
    all<Pod>(PODS),
    all<Node>(NODES),
    all<Service>(SERVICES),
    all<EndpointSlice>(ENDPOINT_SLICES),
    all<NetworkPolicy>(NETWORK_POLICIES),
  ]);
  return { namespaces, pods, nodes, services, endpointSlices, networkPolicies };
}

async function access(kubeconfig: string, lab: RunningLab | undefined, title: string): Promise<ClusterAccess> {
  const client = httpKubeClient(await loadKubeconfig(kubeconfig));
  return { client, lab, title, [Symbol.dispose]: () => client.close() };
}
