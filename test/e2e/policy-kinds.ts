import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabAttempt } from '../../src/app/lab/lab-types.ts';
import { formatIp } from '../../src/base/ip/index.ts';
import { OUTSIDE } from '../../src/cli/place.ts';
import { eventually, podPlace, type TestCluster } from './harness.ts';
import { EchoStream } from './stream.ts';

const TIERS = `
apiVersion: projectcalico.org/v3
kind: Tier
metadata: { name: security }
spec: { order: 10, defaultAction: Pass }
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: security.quarantine }
spec:
  tier: security
  order: 1
  selector: has(quarantine)
  types: [Ingress, Egress]
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: security.web }
spec:
  tier: security
  order: 2
  namespaceSelector: projectcalico.org/name == 'kinds'
  selector: run == 'web'
  types: [Ingress]
  ingress:
    - { action: Deny, protocol: ICMP }
    - { action: Deny, protocol: ICMPv6 }
    - { action: Pass, source: { serviceAccounts: { names: [trusted] } } }
    - { action: Deny, protocol: TCP, notProtocol: UDP, destination: { ports: ['80:81'] } }
`;

const STORED = `
apiVersion: crd.projectcalico.org/v1
kind: NetworkPolicy
metadata: { name: client, namespace: kinds }
spec:
  selector: run == 'client'
  types: [Egress]
  egress:
    - { action: Allow, destination: { selector: "color == 'blue'" } }
`;

const SET = `
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: { name: blue, namespace: kinds, labels: { color: blue } }
spec: { nets: [BLOCK] }
`;

const ADMIN = `
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: { name: lockdown }
spec:
  priority: 3
  subject: { namespaces: { matchLabels: { kubernetes.io/metadata.name: kinds } } }
  ingress:
    - { name: no-strangers, action: Deny, from: [{ namespaces: { matchLabels: { kubernetes.io/metadata.name: kinds } } }] }
`;

const DOMAINS = `
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: domains }
spec:
  tier: Admin
  priority: 4
  subject: { pods: { namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kinds } }, podSelector: { matchLabels: { run: client } } } }
  egress:
    - { name: dns, action: Accept, to: [{ namespaces: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }] }
    - { name: by-name, action: Accept, to: [{ domainNames: ['outside.example', '*.elsewhere.example'] }] }
    - { name: nothing-else, action: Deny, to: [{ networks: ['0.0.0.0/0', '::/0'] }] }
`;

/** Policies of other APIs than Kubernetes' own, through kubectl, with real packets beside the prediction. */
export function describePolicyKinds(running: () => TestCluster): void {
  describe('policies of other APIs', () => {
    beforeAll(async () => {
      const cluster = running();
      await cluster.ok('create namespace kinds');
      await cluster.ok('create serviceaccount trusted -n kinds');
      const sleeper = '-n kinds --image=busybox --port=80';
      const trusted = `'--overrides={"spec":{"serviceAccountName":"trusted"}}'`;
      for (const name of ['web', 'client', 'other']) await cluster.ok(`run ${name} ${sleeper} -- sleep infinity`);
      await cluster.ok(`run friend ${sleeper} ${trusted} -- sleep infinity`);
      await cluster.ready('kinds');
    });
    afterAll(async () => {
      const cluster = running();
      await cluster.ok('delete globalnetworkpolicies,tiers,adminnetworkpolicies,clusternetworkpolicies --all');
      await cluster.clear('kinds');
    });

    it('of Calico: tiers in order, service accounts, ICMP and ranges of ports', async () => {
      const cluster = running();
      await cluster.apply(TIERS);
      const seen = await cluster.agrees('kinds');
      expect(seen.reaches('kinds/friend', 'kinds/web', 80)).toBe(true);
      expect(seen.reaches('kinds/other', 'kinds/web', 80)).toBe(false);
      expect(seen.reaches('kinds/other', 'kinds/web')).toBe(false);
      expect(seen.reaches('kinds/other', 'kinds/client', 80)).toBe(true);
    });

    it('of Calico: a tier of its own for pods in quarantine, which ends their connections', async () => {
      const cluster = running();
      using stream = await EchoStream.open(cluster, 'kinds/friend', 'kinds/client', 5005);
      await cluster.apply(TIERS.replace('defaultAction: Pass', 'defaultAction: Deny'));
      await cluster.ok('label pod friend -n kinds quarantine=yes');
      await stream.stalls();
      const seen = await cluster.agrees('kinds');
      expect(seen.reaches('kinds/friend', 'kinds/client', 80)).toBe(false);
      await cluster.ok('label pod friend -n kinds quarantine-');
      await cluster.ok('delete globalnetworkpolicies --all');
    });

    it('of Calico, in the group that older versions store them in: network sets that come and go', async () => {
      const cluster = running();
      await cluster.apply(STORED);
      expect((await cluster.agrees('kinds')).reaches('kinds/client', 'kinds/web', 80)).toBe(false);
      const blocks = await Promise.all(
        cluster.families.map(async (family) => `"${await cluster.address('kinds/web', family)}"`),
      );
      await cluster.apply(SET.replace('BLOCK', blocks.join(', ')));
      const seen = await cluster.agrees('kinds');
      expect(seen.reaches('kinds/client', 'kinds/web', 80)).toBe(true);
      expect(seen.reaches('kinds/client', 'kinds/other', 80)).toBe(false);
      await cluster.ok('delete networksets.projectcalico.org blue -n kinds');
      expect((await cluster.agrees('kinds')).reaches('kinds/client', 'kinds/web', 80)).toBe(false);
      await cluster.ok('delete networkpolicies.crd.projectcalico.org client -n kinds');
    });

    it('of the cluster’s administrator, whatever a NetworkPolicy allows', async () => {
      const cluster = running();
      await cluster.ok('apply -n kinds -f examples/5-default-policies/allow-all-ingress.yaml');
      await cluster.apply(ADMIN);
      expect((await cluster.agrees('kinds')).reaches('kinds/other', 'kinds/web', 80)).toBe(false);
      await cluster.ok('delete anp lockdown');
      expect((await cluster.agrees('kinds')).reaches('kinds/other', 'kinds/web', 80)).toBe(true);
    });

    it('of domain names, which stand for the addresses that the pod is told, while it uses them', async () => {
      const cluster = running();
      const [family] = cluster.families;
      const address = formatIp(OUTSIDE[family!]);
      const attempt: LabAttempt = {
        from: podPlace('kinds/client'),
        to: { kind: 'outside' },
        protocol: 'tcp',
        address,
        port: 80,
      };
      const reached = async () => (await cluster.lab.request({ op: 'probe', attempts: [attempt] }))[0]?.verdict;
      await cluster.apply(DOMAINS);
      await eventually(async () => expect(await reached()).toBe('denied'));
      // The first packet may be faster than the filter, and is then sent again.
      const fetched = await cluster.ok('exec -n kinds client -- wget -q -T 60 -O - http://outside.example');
      expect(fetched).toContain('outside.example');
      expect(await reached()).toBe('allowed');
      await cluster.ok('delete cnp domains');
    });

    it('that are misspelt are refused with a hint, and nothing changes', async () => {
      const cluster = running();
      const refused = await cluster.run('apply -f -', ADMIN.replace('priority', 'prioritty'));
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('(did you mean "spec.priority"?)');
      expect((await cluster.agrees('kinds')).reaches('kinds/other', 'kinds/web', 80)).toBe(true);
    });
  });
}
