import { describe, expect, it } from 'vitest';
import type { NetworkPolicy } from '../kube/types.ts';
import { clusterState } from '../policy/index.ts';
import { exposures, supposedPods } from './exposure.ts';
import { formatPorts } from './port-set.ts';

const policies: NetworkPolicy[] = [
  {
    metadata: { name: 'db', namespace: 'shop' },
    spec: {
      podSelector: { matchLabels: { app: 'db' } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { team: 'pay' } }, podSelector: { matchLabels: { role: 'client' } } },
          ],
          ports: [{ port: 5432 }],
        },
      ],
    },
  },
  {
    metadata: { name: 'quarantine', namespace: 'shop' },
    spec: { podSelector: { matchLabels: { quarantined: 'yes' } }, policyTypes: ['Ingress', 'Egress'] },
  },
];
const state = clusterState({
  namespaces: [{ metadata: { name: 'shop' } }],
  pods: [
    {
      metadata: { name: 'db', namespace: 'shop', labels: { app: 'db' } },
      spec: { containers: [] },
      status: { podIPs: [{ ip: '10.0.0.1' }] },
    },
  ],
  networkPolicies: policies,
});

/** `pod > what it reaches of the one pod there is, and what that may send to it`. */
function table(): string[] {
  const { exposures: found, reachability } = exposures(state);
  const db = reachability.resolve({ kind: 'pod', key: 'shop/db' })!.group;
  return found.map(({ pod, reaches, reachedBy }) => {
    const [out, back] = [reaches.find(({ to }) => to === db), reachedBy.find(({ from }) => from === db)];
    return `${pod.name} > ${formatPorts(out?.ports ?? [])} < ${formatPorts(back?.ports ?? [])}`;
  });
}

describe('exposures', () => {
  it('suppose a plain pod in every namespace and in a new one, and one for each selector', () => {
    expect(table()).toEqual([
      'shop/ > nothing < all traffic',
      'new-namespace ()/ > nothing < all traffic',
      'shop/app=db > nothing < nothing',
      'shop/quarantined=yes > nothing < nothing',
      'new-namespace (team=pay)/role=client > TCP 5432 < all traffic',
    ]);
  });

  it('suppose a pod for every value and every alternative of a selector', () => {
    const spec = {
      selector: "app in {'a', 'b'} && (tier == 'x' || has(extra)) && zone starts with 'eu-' && !has(gone)",
      types: ['Ingress'],
    };
    const policy = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'n' },
    };
    const names = supposedPods(clusterState({ policies: [{ ...policy, spec }] })).map(({ name }) => name);
    expect(names).toEqual([
      'n/',
      'new-namespace ()/',
      'n/app=a,extra=any,zone=eu-',
      'n/app=b,extra=any,zone=eu-',
      'n/app=a,extra=other,zone=eu-',
      'n/app=b,extra=other,zone=eu-',
      'n/app=a,tier=x,zone=eu-',
      'n/app=b,tier=x,zone=eu-',
    ]);
  });

  it('tell what the supposed pods reach of the outside, and nothing of each other', () => {
    const { exposures: found, reachability } = exposures(state);
    const kinds = found.map(({ reaches }) => reaches.map(({ to }) => reachability.groups[to]!.kind));
    expect(kinds[3]).toEqual([]);
    expect(kinds[4]).toEqual(['pods', 'addresses']);
    expect(found.map(({ newNamespace }) => newNamespace)).toEqual([false, true, false, false, true]);
  });
});
