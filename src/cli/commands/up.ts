import { LAB_BACKENDS } from '../../app/lab/lab-types.ts';
import type { LabStatus } from '../../app/lab/lab-types.ts';
import type { Command, OptionSpec } from '../command.ts';
import { NAME } from '../lab-options.ts';
import { labOptionsOf, startCluster } from '../start-cluster.ts';

/** What a cluster may be made like; `sluice demo` shares some of them. */
export const SHAPE: readonly OptionSpec[] = [
  { flags: '--nodes <count>', description: 'number of nodes', fallback: '3' },
  {
    flags: '--backend <backend>',
    description: 'how pods of different nodes reach each other',
    choices: LAB_BACKENDS,
    fallback: 'vxlan',
  },
  {
    flags: '--ip-family <family>',
    description: 'address families of pods and services',
    choices: ['ipv4', 'ipv6', 'dual'],
    fallback: 'ipv4',
  },
];

/** `sluice up` */
export const command: Command = {
  meta: {
    description:
      'Starts a Kubernetes cluster in network namespaces of this machine: real kernel, real packets, no images. It stays until\n' +
      '\'sluice down\'. Progress goes to standard error, so that eval "$(sluice up)" sets KUBECONFIG.',
    examples: ['sluice up', 'sluice up --nodes 5 --backend cross-subnet', 'sluice up --name dual --ip-family dual'],
  },
  args: {
    positionals: [],
    options: [
      NAME,
      ...SHAPE,
      { flags: '--pod-cidr <cidr>', description: 'addresses of pods; comma-separated for two families' },
      { flags: '--service-cidr <cidr>', description: 'addresses of services; comma-separated for two families' },
      {
        flags: '--api-port <port>',
        description: 'port of the API server on 127.0.0.1; 0 takes a free one',
        fallback: '0',
      },
    ],
  },
  run: async (invocation) => {
    const { values, print, note } = invocation;
    const options = labOptionsOf(values);
    note(`Starting cluster '${options.name}': ${options.nodes} nodes, ${options.backend}, ${options.ipFamily}`);
    const status = await startCluster(options, invocation, ({ name, milliseconds }) =>
      note(`  ${(milliseconds / 1000).toFixed(1).padStart(5)} s  ${name}`),
    );
    print(`export KUBECONFIG=${status.kubeconfig}`);
    for (const line of whatNext(status)) note(line);
    return 0;
  },
};

/** What a user may like to do with a new cluster; `name` options only where they are needed. */
export function whatNext({ options }: LabStatus): string[] {
  const name = options.name === 'sluice' ? '' : ` --name ${options.name}`;
  return [
    '',
    'The cluster is ready. Run the line above, then try:',
    '  kubectl get nodes -o wide',
    '  kubectl run nginx --image=nginx --port=80 && kubectl run busybox --image=busybox -- sleep 1d',
    '  kubectl apply -f examples/5-default-policies/default-deny-ingress.yaml',
    `  sluice probe${name}                                # real packets beside the prediction`,
    `  sluice why${name} busybox nginx --port 80          # which rule decides, and why`,
    `  sluice status${name}                               # what is programmed where`,
    `  sluice down${name}`,
  ];
}
