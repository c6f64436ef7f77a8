import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabAttempt, LabPlace } from '../../src/app/lab/lab-types.ts';
import { conformanceSteps } from '../golden/conformance-table.ts';
import type { ConformanceProbe, ConformanceStep } from '../golden/conformance-table.ts';
import { eventually, podPlace, TestCluster } from './harness.ts';

describe('the conformance tests of ClusterNetworkPolicy, with real packets', () => {
  const steps = conformanceSteps();
  const [first] = steps as [ConformanceStep];
  let cluster: TestCluster;
  /** From the addresses and node names of the tests to those of the cluster. */
  const here = new Map<string, string>();
  const placeAt = new Map<string, LabPlace>();
  let inForce: readonly string[] = [];
  let namespaces: unknown;

  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: first.nodes.length });
    const nodes = (await cluster.ok('get nodes -o jsonpath={.items[*].metadata.name}')).split(' ');
    for (const [i, { metadata, status }] of first.nodes.entries()) {
      const name = nodes[i]!;
      const address = await cluster.ok(`get node ${name} -o jsonpath={.status.addresses[0].address}`);
      here.set(metadata!.name!, name);
      here.set(status!.addresses![0]!.address, address);
      placeAt.set(address, { kind: 'node', name });
    }
    await applyNamespaces(first);
    await apply(first.pods.map((pod) => runnable(pod)));
    await cluster.ready(...new Set(first.pods.map(({ metadata }) => metadata!.namespace!)));
    for (const { metadata, spec, status } of first.pods) {
      if (spec?.hostNetwork === true) continue;
      const key = `${metadata!.namespace}/${metadata!.name}`;
      const address = await cluster.address(key);
      here.set(status!.podIPs![0]!.ip!, address);
      placeAt.set(address, podPlace(key));
    }
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(steps.map((step) => [`${step.suite}: ${step.subtest}`, step] as const))('%s', async (_name, step) => {
    await applyNamespaces(step);
    await applyPolicies(step);
    let open = step.probes;
    // The kernels may be a moment behind the API.
    await eventually(async () => {
      const attempts = open.map(attemptOf);
      const results = await cluster.lab.request({ op: 'probe', attempts });
      open = open.filter(({ allowed }, i) => results[i]?.verdict !== (allowed ? 'allowed' : 'denied'));
      expect(open).toEqual([]);
    });
  });

  function attemptOf({ from, to, protocol, port, allowed }: ConformanceProbe): LabAttempt {
    const address = here.get(to)!;
    return {
      from: podPlace(from),
      to: placeAt.get(address)!,
      protocol: protocol.toLowerCase() as LabAttempt['protocol'],
      address,
      port,
      expectSilence: !allowed,
    };
  }

  async function applyNamespaces(step: ConformanceStep): Promise<void> {
    if (namespaces === step.namespaces) return;
    await apply(step.namespaces.map((object) => ({ apiVersion: 'v1', kind: 'Namespace', ...object })));
    namespaces = step.namespaces;
  }

  /** Brings exactly the step's policies into force. */
  async function applyPolicies({ policies }: ConformanceStep): Promise<void> {
    const texts = policies.map((policy) => translated(policy));
    const added = texts.filter((text) => !inForce.includes(text));
    const names = new Set(texts.map(nameOf));
    const gone = inForce.filter((text) => !names.has(nameOf(text)));
    if (gone.length > 0) await cluster.ok('delete --ignore-not-found -f -', listOf(gone));
    if (added.length > 0) await cluster.ok('apply -f -', listOf(added));
    inForce = texts;
  }

  function apply(objects: readonly object[]): Promise<string> {
    return cluster.ok('apply -f -', listOf(objects.map((object) => JSON.stringify(object))));
  }

  /** The object with the cluster's own addresses, as JSON. An absent selector is the empty one, which kubectl asks for. */
  function translated(object: object): string {
    const text = JSON.stringify(object).replaceAll('"podSelector":null', '"podSelector":{}');
    return text.replaceAll(/\d+\.\d+\.\d+\.\d+/gu, (text) => here.get(text) ?? text);
  }

  /** The pod on the node that stands for its own; the prober serves its ports. */
  function runnable({ metadata, spec }: ConformanceStep['pods'][number]): object {
    const containers = spec!.containers.map(({ name, ports }) => ({
      name,
      ports,
      image: 'busybox',
      command: ['sleep', '1d'],
    }));
    const network = spec!.hostNetwork === true ? { hostNetwork: true } : {};
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...network, nodeName: here.get(spec!.nodeName!)!, terminationGracePeriodSeconds: 0, containers },
    };
  }
});

function listOf(items: readonly string[]): string {
  return `{"apiVersion":"v1","kind":"List","items":[${items.join(',')}]}`;
}

function nameOf(text: string): string {
  const { kind, metadata } = JSON.parse(text) as { kind: string; metadata: { namespace?: string; name: string } };
  return `${kind} ${metadata.namespace ?? ''} ${metadata.name}`;
}
