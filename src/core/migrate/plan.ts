import type { Node } from '../kube/types.ts';
import { blockersOf } from './blockers.ts';
import { fence } from './fence.ts';
import type { Observed, OldNetwork, Plan, Step } from './model.ts';
import { NETWORK_LABEL, oldNetwork, settingsOf } from './old-network.ts';

/** How a cluster goes from Calico to Sluice, one node after the other. Undefined when it has no Calico. */
export function planFromCalico(observed: Observed): Plan | undefined {
  const old = oldNetwork(observed);
  if (old === undefined) return undefined;
  const blockers = blockersOf(old, observed);
  const nodes = observed.nodes.toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  const steps = [...beginning(old), ...nodes.flatMap((node) => nodeSteps(node, old, observed)), ...ending(old)];
  return { blockers, remarks: REMARKS, settings: settingsOf(old), steps: blockers.length > 0 ? [] : steps };
}

const REMARKS: readonly string[] = [
  'Addresses stay where they are: Sluice works on with the IPPools, blocks and handles of Calico, and a node keeps its tunnel address.',
  'Where pools use IPIP, that a node of Sluice and one of Calico reach each other by it has not been tried: begin with a node that may fail.',
  "Calico's rules in iptables stay on a migrated node as they were. They let VXLAN and IPIP in from nodes of that time only: restart migrated nodes before new nodes join.",
];

function beginning({ agents }: OldNetwork): readonly Step[] {
  const target = `kubectl -n ${agents.metadata?.namespace} patch daemonset ${agents.metadata?.name} --type merge -p`;
  const { put, remove } = fence(agents);
  return [
    {
      id: 'fence',
      what: "Keep Calico's agents off nodes with the label, without starting any of them anew.",
      interrupts: 'Nothing.',
      commands: [`${target} ${quoted(put)}`],
      check: [`kubectl -n ${agents.metadata?.namespace} get daemonset ${agents.metadata?.name}`],
      undo: [`${target} ${quoted(remove)}`],
    },
    {
      id: 'install',
      what: "Install Sluice for nodes with the label, of which there are none yet. What is there already, such as Calico's definitions, stays as it is: kubectl says AlreadyExists of it.",
      interrupts: 'Nothing.',
      commands: ['sluice migrate from-calico --manifest | kubectl create -f -'],
      check: ['kubectl -n kube-system rollout status deployment/sluice-controllers'],
      undo: [
        'kubectl -n kube-system delete daemonset/sluice-node deployment/sluice-controllers configmap/sluice-config',
      ],
    },
  ];
}

function nodeSteps(node: Node, { agents }: OldNetwork, observed: Observed): readonly Step[] {
  const name = node.metadata?.name ?? '';
  const { evicted, restarted } = podsOf(name, observed);
  const label = `kubectl label node ${name} --overwrite ${NETWORK_LABEL}`;
  const drain = `kubectl drain ${name} --ignore-daemonsets --delete-emptydir-data`;
  const restart = restarted.map((pod) => `kubectl -n ${pod.namespace} delete pod ${pod.name}`);
  const again = `Pods of DaemonSets with a network of their own: ${restarted.length}.`;
  const agentsOf = (namespace: string, app: string) =>
    `kubectl -n ${namespace} get pods -l k8s-app=${app} --field-selector spec.nodeName=${name}`;
  const calico = agentsOf(agents.metadata?.namespace ?? '', agents.metadata?.labels?.['k8s-app'] ?? 'calico-node');
  const sluice = agentsOf('kube-system', 'sluice-node');
  return [
    {
      id: `${name}/drain`,
      node: name,
      what: `Move pods away from ${name}.`,
      interrupts: `${evicted} pods end and start elsewhere; each is away as long as its own start takes. What they keep in emptyDir volumes is lost. PodDisruptionBudgets are heeded.`,
      commands: [drain],
      check: [`kubectl get pods -A --field-selector spec.nodeName=${name}`],
      undo: [`kubectl uncordon ${name}`],
    },
    {
      id: `${name}/switch`,
      node: name,
      what: `Take ${name} from Calico, wait until its agent is gone, and give it to Sluice.`,
      interrupts: `${again} They lose their network from here until they are started again in the next step. Pods of other nodes and what uses the node's own network: nothing.`,
      commands: [`${label}=none`, `# until none is left: ${calico}`, `${label}=sluice`],
      check: [`# running and ready: ${sluice}`],
      undo: [
        `${label}=none`,
        `# until none is left: ${sluice}`,
        `kubectl label node ${name} ${NETWORK_LABEL}-`,
        `# running and ready: ${calico}; then delete the pods of DaemonSets on ${name} that have a network of their own`,
      ],
    },
    {
      id: `${name}/restart`,
      node: name,
      what: `Start pods of DaemonSets on ${name} again, and let others come.`,
      interrupts: `${again} Each is away as long as its own start takes.`,
      commands: [...restart, `kubectl uncordon ${name}`],
      check: [`kubectl get pods -A --field-selector spec.nodeName=${name}`, 'sluice status'],
      undo: [drain],
    },
  ];
}

function ending({ agents, deployments }: OldNetwork): readonly Step[] {
  const refs = [
    `-n ${agents.metadata?.namespace} daemonset/${agents.metadata?.name}`,
    ...deployments.map(({ metadata }) => `-n ${metadata?.namespace} deployment/${metadata?.name}`),
  ];
  const file = (index: number): string => `calico-${index + 1}.yaml`;
  const opened = '{"spec":{"template":{"spec":{"nodeSelector":{"sluice.dev/network":null}}}}}';
  const closed = opened.replace('null', '"sluice"');
  const patch = 'kubectl -n kube-system patch daemonset sluice-node --type merge -p';
  return [
    {
      id: 'finish',
      what: 'When every node is migrated: keep copies of what Calico consists of, remove it, and let Sluice run on all nodes, new ones included.',
      interrupts: "Nothing: Sluice's agents start anew one by one, and a node without its agent goes on as it was.",
      commands: [
        ...refs.flatMap((ref, index) => [`kubectl get ${ref} -o yaml > ${file(index)}`, `kubectl delete ${ref}`]),
        `${patch} '${opened}'`,
      ],
      check: ['kubectl -n kube-system rollout status daemonset/sluice-node', 'sluice ipam check'],
      undo: [`${patch} '${closed}'`, ...refs.map((_, index) => `kubectl create -f ${file(index)}`)],
    },
  ];
}

/** How many pods a drain moves, and which it leaves though their network changes. */
function podsOf(node: string, { pods }: Observed) {
  const here = pods.filter(
    ({ spec, status }) =>
      spec?.nodeName === node && spec.hostNetwork !== true && !['Succeeded', 'Failed'].includes(status?.phase ?? ''),
  );
  const isOfDaemonSet = (pod: (typeof here)[number]): boolean =>
    pod.metadata?.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true;
  return {
    evicted: here.filter((pod) => !isOfDaemonSet(pod)).length,
    restarted: here
      .filter(isOfDaemonSet)
      .map(({ metadata }) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' })),
  };
}

/** JSON as one argument of a POSIX shell. */
function quoted(value: object): string {
  return `'${JSON.stringify(value).replaceAll("'", String.raw`'\''`)}'`;
}
