import { readFile } from 'node:fs/promises';
import { parseAllDocuments, stringify } from 'yaml';
import { SluiceError } from '../../base/errors.ts';
import { applyMigration } from '../../app/migrate/apply.ts';
import { observe } from '../../app/migrate/observe.ts';
import { openStores } from '../../app/migrate/open-stores.ts';
import type { Stores } from '../../app/migrate/open-stores.ts';
import { NETWORKS, manifestFor, planFrom, printedStep } from '../../core/migrate/index.ts';
import type { ClusterObject, From, Observed, Plan, Step } from '../../core/migrate/index.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { openCluster } from '../cluster.ts';
import type { ClusterAccess } from '../cluster.ts';
import type { Command, Invocation } from '../command.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';

/** By the files' URLs, which the bundle of the command line keeps. */
const MANIFESTS: Readonly<Record<Plan['manifest'], URL>> = {
  'sluice.yaml': new URL('../../../deploy/sluice.yaml', import.meta.url),
  'sluice-policy-only.yaml': new URL('../../../deploy/sluice-policy-only.yaml', import.meta.url),
};
/** Between two looks at the cluster, milliseconds. */
const PAUSE = 1000;
const MODES = ['plan', 'manifest', 'apply', 'undo'] as const;

/** `sluice migrate` */
export const command: Command = {
  meta: {
    description: [
      'Prints each step with its commands, what it interrupts, what must hold afterwards and how to go back. Nothing is changed without --apply or --undo.',
      'Both read off the cluster how far it is: after an interruption the same command goes on. They stop at the first thing that is not as it has to be.',
      'What Calico or flannel keep in etcd is read there: at what their DaemonSet says, or ETCD_ENDPOINTS, ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_USERNAME and ETCD_PASSWORD.',
      'Exit code 1 when something stands in the way.',
    ].join(' '),
    examples: [
      'sluice migrate from-calico --kubeconfig ~/.kube/config',
      'sluice migrate from-flannel --apply --node worker-1',
      'sluice migrate from-flannel --apply',
      'sluice migrate from-canal --undo',
      'sluice migrate from-calico --manifest | kubectl create -f -',
    ],
  },
  args: {
    positionals: [{ name: '<from>', description: 'the network before', choices: Object.keys(NETWORKS) }],
    options: [
      { flags: '--plan', description: 'print the plan (done without it, too)' },
      { flags: '--apply', description: 'do it' },
      { flags: '--undo', description: 'go back, by the same steps in reverse' },
      { flags: '--node <name>', description: 'this node alone, and of the steps of the whole cluster the first ones' },
      { flags: '--timeout <seconds>', description: 'how long one thing may take', fallback: '600' },
      { flags: '--manifest', description: "print Sluice's manifest for the step install instead" },
      OUTPUT,
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values } = invocation;
    const modes = MODES.filter((mode) => values[mode] === true);
    if (modes.length > 1)
      throw new SluiceError(
        'bad-call',
        `migrate: ${modes.map((mode) => `--${mode}`).join(' and ')} exclude each other`,
      );
    const seconds = Number(values['timeout'] ?? 600);
    if (!(seconds > 0)) throw new SluiceError('bad-call', `migrate: --timeout ${String(values['timeout'])} is no time`);
    const from = invocation.arguments[0] as From;
    using cluster = await openCluster(invocation);
    const [mode = 'plan'] = modes;
    // Going back depends on nothing that is elsewhere.
    using opened =
      mode === 'undo'
        ? { client: cluster.client, stores: {}, [Symbol.dispose]: () => undefined }
        : await openStores(from, cluster.client, invocation.env, invocation.note);
    const { client, stores } = opened;
    const observed = { ...(await observe(client)), ...stores };
    const plan = planFrom(from, observed);
    if (plan === undefined) throw absent(from, cluster);
    const node = values['node'] as string | undefined;
    if (node !== undefined && !plan.steps.some((step) => step.node === node))
      throw new SluiceError('not-found', `${cluster.title} has no node ${node}: see kubectl get nodes`);
    if (mode === 'apply' || mode === 'undo')
      // Awaited here: the connection goes with this scope.
      return await apply(
        { from, node, direction: mode === 'apply' ? 'forward' : 'back', patience: seconds * 1000 },
        { client, stores, title: cluster.title },
        invocation,
      );
    return await show(plan, { from, node, observed, isManifest: mode === 'manifest' }, invocation);
  },
};

async function show(
  plan: Plan,
  how: {
    readonly from: From;
    readonly node: string | undefined;
    readonly observed: Observed;
    readonly isManifest: boolean;
  },
  { values, print, note }: Pick<Invocation, 'values' | 'print' | 'note'>,
): Promise<number> {
  const isBlocked = plan.blockers.length > 0;
  const chosen = isBlocked ? [] : plan.steps.filter((step) => how.node === undefined || step.node === how.node);
  const steps = chosen.map((step) => printedStep(step, how.from, how.observed));
  const { blockers, remarks, settings } = plan;
  if (how.isManifest) {
    if (isBlocked) note(blockersText(plan));
    else print((await objectsOf(plan)).map((object) => stringify(object)).join('---\n'));
  } else if (values['output'] === 'json') print(JSON.stringify({ blockers, remarks, settings, steps }, null, 2));
  else if (isBlocked) print(blockersText(plan));
  else print([...remarks.map((remark) => `Note: ${remark}`), ...steps.flatMap(stepText)].join('\n'));
  return isBlocked ? 1 : 0;
}

async function apply(
  options: Parameters<typeof applyMigration>[0],
  { client, stores, title }: Pick<ClusterAccess, 'client' | 'title'> & { readonly stores: Stores },
  { print, note, signal }: Invocation,
): Promise<number> {
  const outcome = await applyMigration(options, {
    client,
    stores,
    objects: objectsOf,
    print,
    now: Date.now,
    pause: () => pause(PAUSE, signal),
    signal,
  });
  switch (outcome.kind) {
    case 'done':
      print(options.direction === 'forward' ? 'Done.' : 'Back where it was.');
      return 0;
    case 'blocked':
      note(blockersText(outcome.plan));
      return 1;
    case 'stopped':
      note(stoppedText(outcome.step, outcome.reason));
      return 1;
    case 'interrupted':
      note('Interrupted between two steps. The same command goes on; --undo goes back.');
      return 2;
    case 'absent':
      throw absent(options.from, { title });
  }
}

function absent(from: From, { title }: Pick<ClusterAccess, 'title'>): SluiceError<'not-found'> {
  const { daemonSet } = NETWORKS[from];
  return new SluiceError('not-found', `${title} has no DaemonSet ${daemonSet}: there is nothing to migrate`);
}

async function objectsOf(plan: Plan): Promise<readonly ClusterObject[]> {
  const documents = parseAllDocuments(await readFile(MANIFESTS[plan.manifest], 'utf8'));
  const objects = 'empty' in documents ? [] : documents.map((document) => document.toJS() as ClusterObject | null);
  return manifestFor(
    plan,
    objects.filter((object) => object !== null),
  );
}

function blockersText({ blockers }: Plan): string {
  return blockers.map(({ reason, remedy }) => `In the way: ${reason}.\n  Remedy: ${remedy}.`).join('\n');
}

function stoppedText({ id }: Step, reason: string): string {
  return (
    `Stopped at step ${id}: ${reason}.\n` +
    '  What is done stays and is safe to leave. When this is put right, the same command goes on; --undo goes back.'
  );
}

function stepText(step: ReturnType<typeof printedStep>, index: number): readonly string[] {
  return [
    '',
    `${index + 1}. ${step.id}: ${step.what}`,
    `   Interrupts: ${step.interrupts}`,
    ...step.commands.map((each) => `   $ ${each}`),
    '   Then:',
    ...step.check.map((each) => `   $ ${each}`),
    '   Back:',
    ...step.undo.map((each) => `   $ ${each}`),
  ];
}
