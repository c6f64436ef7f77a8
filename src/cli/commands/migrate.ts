import { readFile } from 'node:fs/promises';
import { parseAllDocuments, stringify } from 'yaml';
import { SluiceError } from '../../base/errors.ts';
import { manifestFor, planFromCalico } from '../../core/migrate/index.ts';
import type { ClusterObject, Observed, Plan } from '../../core/migrate/index.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  FELIX_CONFIGURATIONS,
  IP_POOLS,
  NODES,
  PODS,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { openCluster } from '../cluster.ts';
import type { Command } from '../command.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';

/** By the file's URL, which the bundle of the command line keeps. */
const MANIFEST = new URL('../../../deploy/sluice.yaml', import.meta.url);

/** `sluice migrate` */
export const command: Command = {
  meta: {
    summary: 'plan how a cluster goes from Calico to Sluice, node by node',
    description:
      'Prints each step with its commands, what it interrupts, what must hold afterwards and how to go back. ' +
      'Nothing is changed. Exit code 1 when something stands in the way.',
    examples: [
      'sluice migrate from-calico --kubeconfig ~/.kube/config',
      'sluice migrate from-calico --manifest | kubectl create -f -',
      'sluice migrate from-calico -o json',
    ],
  },
  args: {
    positionals: [{ name: '<from>', description: 'the network before', choices: ['from-calico'] }],
    options: [
      { flags: '--plan', description: 'print the plan (done without it, too)' },
      { flags: '--manifest', description: "print Sluice's manifest for the step install instead" },
      OUTPUT,
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values, print, note } = invocation;
    if (values['plan'] === true && values['manifest'] === true)
      throw new SluiceError('bad-call', 'migrate: --plan and --manifest exclude each other');
    using cluster = await openCluster(invocation);
    const plan = planFromCalico(await observe(cluster.client));
    if (plan === undefined)
      throw new SluiceError('not-found', `${cluster.title} has no DaemonSet calico-node: there is nothing to migrate`);
    if (values['manifest'] !== true) print(values['output'] === 'json' ? JSON.stringify(plan, null, 2) : textOf(plan));
    else if (plan.blockers.length > 0) note(textOf(plan));
    else
      print(
        manifestFor(plan.settings, await readManifest())
          .map((object) => stringify(object))
          .join('---\n'),
      );
    return plan.blockers.length > 0 ? 1 : 0;
  },
};

async function observe(client: KubeClient): Promise<Observed> {
  const all = async (resource: Resource): Promise<readonly KubeObject[]> => {
    try {
      return (await listAll<KubeObject>(client, resource)).items;
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };
  const [nodes, pods, daemonSets, deployments, configMaps, pools, ...felix] = await Promise.all(
    [NODES, PODS, DAEMON_SETS, DEPLOYMENTS, CONFIG_MAPS, IP_POOLS, ...FELIX_CONFIGURATIONS].map(all),
  );
  const felixConfigurations = felix.flat();
  return { nodes, pods, daemonSets, deployments, configMaps, pools, felixConfigurations } as Observed;
}

async function readManifest(): Promise<readonly ClusterObject[]> {
  const documents = parseAllDocuments(await readFile(MANIFEST, 'utf8'));
  if ('empty' in documents) return [];
  return documents.flatMap((document) => (document.toJS() as ClusterObject | null) ?? []);
}

function textOf({ blockers, remarks, steps }: Plan): string {
  if (blockers.length > 0)
    return blockers.map(({ reason, remedy }) => `In the way: ${reason}.\n  Remedy: ${remedy}.`).join('\n');
  const lines = remarks.map((remark) => `Note: ${remark}`);
  for (const [index, step] of steps.entries()) {
    lines.push('', `${index + 1}. ${step.id}: ${step.what}`, `   Interrupts: ${step.interrupts}`);
    lines.push(...step.commands.map((each) => `   $ ${each}`));
    lines.push('   Then:', ...step.check.map((each) => `   $ ${each}`));
    lines.push('   Back:', ...step.undo.map((each) => `   $ ${each}`));
  }
  return lines.join('\n');
}
