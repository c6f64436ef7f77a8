import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { openLab, stopLab } from '../../app/lab/lab.ts';
import type { RunningLab } from '../../app/lab/lab-types.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import type { Command, Invocation } from '../command.ts';
import { runScenario } from '../demo-scenario.ts';
import { kubectlFor } from '../kubectl.ts';
import { LANGUAGE, languageOf } from '../language.ts';
import { labOptionsOf, startCluster } from '../start-cluster.ts';
import { SHAPE } from './up.ts';

const NAME = 'demo';
const POLICY = fileURLToPath(new URL('../../../examples/2-labels/policy.yaml', import.meta.url));

/** `sluice demo` */
export const command: Command = {
  meta: {
    summary: 'watch a policy take effect, from nothing',
    description:
      "Starts a cluster named 'demo', runs pods and a NetworkPolicy in it with your kubectl, shows with real packets what the\n" +
      'policy changed and which rule decides, and takes everything down again.',
  },
  args: {
    positionals: [],
    options: [...SHAPE, { flags: '--keep', description: 'leave the cluster running at the end' }, LANGUAGE],
  },
  run: async (invocation) => {
    const { values, env, uid, print } = invocation;
    const started = performance.now();
    const environment = { env, uid };
    // A demo that was interrupted may have left its cluster; this one starts from nothing.
    await stopLab(NAME, environment);
    const abandon = (): void => void stopLab(NAME, environment);
    invocation.signal.addEventListener('abort', abandon, { once: true });
    try {
      const lab = await start(invocation);
      const client = httpKubeClient(await loadKubeconfig(lab.paths.kubeconfig));
      try {
        await runScenario({
          lab,
          client,
          kubectl: kubectlFor(lab.paths.kubeconfig, env),
          policy: relative('.', POLICY),
          language: languageOf(values['lang'] as string | undefined, env),
          print,
        });
      } finally {
        client.close();
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (values['keep'] === true) print(`\nDone in ${seconds} s. It stays: export KUBECONFIG=${lab.paths.kubeconfig}`);
      else print(`\nDone in ${seconds} s; taking the cluster down. 'sluice up' starts one that stays.`);
      return 0;
    } finally {
      invocation.signal.removeEventListener('abort', abandon);
      if (values['keep'] !== true) await stopLab(NAME, environment);
    }
  },
};

async function start(invocation: Invocation): Promise<RunningLab> {
  const { values, env, uid, print } = invocation;
  const options = labOptionsOf({ ...values, name: NAME });
  print(`Starting a cluster of ${options.nodes} nodes on this machine (${options.backend}, ${options.ipFamily}) …`);
  const { phases } = await startCluster(options, invocation, () => undefined);
  const total = Math.max(0, ...phases.map(({ milliseconds }) => milliseconds));
  print(`All nodes are ready after ${(total / 1000).toFixed(1)} s.`);
  const lab = await openLab(NAME, { env, uid });
  if (lab === undefined) throw new SluiceError('start-failed', `cluster '${NAME}' ended right after its start`);
  return lab;
}
