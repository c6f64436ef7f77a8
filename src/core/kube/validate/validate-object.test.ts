import { describe, expect, it } from 'vitest';
import { formatFieldError } from '../field-error.ts';
import { validateObject } from './validate-object.ts';

function problems(object: unknown): string[] {
  return validateObject(object).map(formatFieldError);
}

const meta = { name: 'x', namespace: 'default' };

function policy(spec: object): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: meta,
    spec: { podSelector: {}, ...spec },
  };
}

function ports(...list: unknown[]): object {
  return policy({ ingress: [{ ports: list }] });
}

function peers(...list: unknown[]): object {
  return policy({ ingress: [{ from: list }] });
}

function pod(spec: object): object {
  const containers = [{ name: 'main', image: 'nginx' }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers, ...spec } };
}

function container(more: object): object {
  return pod({ containers: [{ name: 'main', image: 'nginx', ...more }] });
}

function service(spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: meta, spec: { ports: [{ port: 80 }], ...spec } };
}

function deployment(spec: object): object {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } };
  const selector = { matchLabels: { app: 'x' } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta, spec: { selector, template, ...spec } };
}

function pool(spec: object): object {
  return { apiVersion: 'crd.projectcalico.org/v1', kind: 'IPPool', metadata: { name: 'x' }, spec };
}

function ingress(spec: object): object {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: meta, spec };
}

const backend = { service: { name: 'web', port: { number: 80 } } };

describe('validateObject accepts', () => {
  it.each<[string, object]>([
    ['a policy that only selects', policy({})],
    [
      'a policy with every kind of port',
      ports({}, { port: 80 }, { port: 'http' }, { port: 80, endPort: 80, protocol: 'SCTP' }),
    ],
    ['a peer with both selectors', peers({ podSelector: {}, namespaceSelector: { matchLabels: { a: '' } } })],
    ['an IPv6 block with an exception', peers({ ipBlock: { cidr: '2001:db8::/32', except: ['2001:db8:1::/48'] } })],
    ['empty rules', policy({ ingress: [{}], egress: [], policyTypes: ['Ingress', 'Egress'] })],
    ['a plain pod', pod({})],
    [
      'a pod whose mounts have volumes',
      pod({
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [{ name: 'a', image: 'b', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      }),
    ],
    ['a generated name', { ...pod({}), metadata: { generateName: 'x-' } }],
    ['a Service with a named target', service({ ports: [{ port: 80, targetPort: 'http' }] })],
    [
      'a Service that clients outside come to by an address of its own',
      service({ externalIPs: ['192.0.2.1', '2001:db8::1'], externalTrafficPolicy: 'Local' }),
    ],
    [
      'a load balancer with sources and a health port',
      service({
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31_000,
        loadBalancerSourceRanges: ['10.0.0.0/8', ' 2001:db8::/32 '],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_400 } },
      }),
    ],
    ['a headless Service without ports', service({ clusterIP: 'None', ports: [] })],
    ['a Deployment', deployment({ replicas: 0 })],
    [
      'an RBAC name with colons',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'system:node' } },
    ],
    [
      'an Ingress with a wildcard host',
      ingress({ rules: [{ host: '*.example.test', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] }),
    ],
    ['a pool of one block', pool({ cidr: '10.0.0.0/26', blockSize: 26 })],
  ])('%s', (_, object) => expect(problems(object)).toEqual([]));
});

describe('validateObject refuses, in Kubernetes’ words,', () => {
  it.each<[string, object, string]>([
    [
      'a name with capitals',
      { ...pod({}), metadata: { name: 'Web' } },
      `metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ],
    ['no name', { ...pod({}), metadata: {} }, 'metadata.name: Required value: name or generateName is required'],
    [
      'a label value with a space',
      { ...pod({}), metadata: { name: 'x', labels: { a: 'b c' } } },
      `metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
    [
      'a label key with an empty prefix',
      { ...pod({}), metadata: { name: 'x', labels: { '/a': 'b' } } },
      'metadata.labels: Invalid value: "/a": prefix part must be non-empty',
    ],
    [
      'a label that is a number',
      { ...pod({}), metadata: { name: 'x', labels: { a: 1 } } },
      'metadata.labels[a]: Invalid value: 1: must be a string',
    ],
    [
      'a port out of range',
      ports({ port: 70000 }),
      'spec.ingress[0].ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      'port zero',
      ports({ port: 0 }),
      'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      'a port in quotes',
      ports({ port: '80' }),
      'spec.ingress[0].ports[0].port: Invalid value: "80": must contain at least one letter (a-z)',
    ],
    [
      'a lower-case protocol',
      ports({ protocol: 'tcp' }),
      'spec.ingress[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      'endPort below port',
      ports({ port: 80, endPort: 79 }),
      'spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
    ],
    [
      'endPort with a named port',
      ports({ port: 'http', endPort: 90 }),
      'spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric',
    ],
    [
      'endPort alone',
      ports({ endPort: 90 }),
      'spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is not specified',
    ],
    ['an empty peer', peers({}), 'spec.ingress[0].from[0]: Required value: must specify a peer'],
    [
      'ipBlock beside a selector',
      peers({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
      'spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer',
    ],
    [
      'a block without a prefix',
      peers({ ipBlock: { cidr: '10.0.0.0' } }),
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      'a block whose prefix is too long',
      peers({ ipBlock: { cidr: '10.0.0.0/33' } }),
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      'an exception outside',
      peers({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }),
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
    [
      'an exception of everything',
      peers({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }),
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
    [
      'a lower-case policy type',
      policy({ policyTypes: ['ingress'] }),
      'spec.policyTypes[0]: Unsupported value: "ingress": supported values: "Egress", "Ingress"',
    ],
    [
      'In without values',
      peers({ podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
      "spec.ingress[0].from[0].podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      'Exists with values',
      policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }),
      "spec.podSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
    [
      'an unknown operator',
      policy({ podSelector: { matchExpressions: [{ key: 'a', operator: 'Equals' }] } }),
      'spec.podSelector.matchExpressions[0].operator: Invalid value: "Equals": not a valid selector operator',
    ],
    [
      'rules that are no list',
      policy({ ingress: { from: [] } }),
      'spec.ingress: Invalid value: {"from":[]}: must be a list',
    ],
    ['a pod without containers', pod({ containers: [] }), 'spec.containers: Required value'],
    ['a container without an image', pod({ containers: [{ name: 'a' }] }), 'spec.containers[0].image: Required value'],
    [
      'two containers of one name',
      pod({
        containers: [
          { name: 'a', image: 'x' },
          { name: 'a', image: 'x' },
        ],
      }),
      'spec.containers[1].name: Duplicate value: "a"',
    ],
    [
      'a container port out of range',
      container({ ports: [{ containerPort: 65536 }] }),
      'spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive',
    ],
    [
      'a mount of no volume',
      container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'a restart policy that is none',
      pod({ restartPolicy: 'Sometimes' }),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
    ],
    [
      'an environment variable without a name',
      container({ env: [{ value: 'a' }] }),
      'spec.containers[0].env[0].name: Required value',
    ],
    [
      'a probe without a handler',
      container({ readinessProbe: { periodSeconds: 1 } }),
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
    ],
    [
      'a request above its limit',
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1500m' } } }),
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1500m',
    ],
    [
      'a shared host port',
      container({
        ports: [
          { containerPort: 1, hostPort: 80 },
          { containerPort: 2, hostPort: 80 },
        ],
      }),
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
    ],
    ['a Service without ports', service({ ports: [] }), 'spec.ports: Required value'],
    [
      'several ports without names',
      service({ ports: [{ port: 1, name: 'a' }, { port: 2 }] }),
      'spec.ports[1].name: Required value',
    ],
    [
      'one port twice',
      service({
        ports: [
          { port: 1, name: 'a' },
          { port: 1, name: 'b' },
        ],
      }),
      'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}',
    ],
    [
      'a node port out of range',
      service({ type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] }),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
    [
      'a node port without the type',
      service({ ports: [{ port: 1, nodePort: 30080 }] }),
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      'an affinity without time',
      service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }),
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be from 1 to 86400 seconds',
    ],
    [
      'an affinity of more than a day',
      service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } }),
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be from 1 to 86400 seconds',
    ],
    [
      'a policy for clients outside where none can come',
      service({ externalTrafficPolicy: 'Local' }),
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      'a health port that nobody asks for',
      service({ type: 'LoadBalancer', healthCheckNodePort: 31_000 }),
      "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [
      'sources of a load balancer that is none',
      service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
      "spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      'sources that are no ranges',
      service({ type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8 ', '::/0', '10.0.0.0/33'] }),
      'spec.loadBalancerSourceRanges[2]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    ...(
      [
        ['127.0.0.1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
        ['::1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
        ['0.0.0.0', 'may not be unspecified (0.0.0.0 or ::)'],
        ['169.254.1.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
        ['ff02::1', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)'],
      ] as const
    ).map(([ip, problem]): [string, object, string] => [
      `the external address ${ip}`,
      service({ externalIPs: ['192.0.2.1', ip] }),
      `spec.externalIPs[1]: Invalid value: "${ip}": ${problem}`,
    ]),
    [
      'a Service name that starts with a digit',
      { ...service({}), metadata: { name: '1a' } },
      `metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
    [
      'negative replicas',
      deployment({ replicas: -1 }),
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'a selector that misses its template',
      deployment({ selector: { matchLabels: { app: 'y' } } }),
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ],
    ['a Deployment without a selector', deployment({ selector: undefined }), 'spec.selector: Required value'],
    [
      'an IPv6 address in an IPv4 slice',
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: meta,
        addressType: 'IPv4',
        endpoints: [{ addresses: ['::1'] }],
      },
      'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
    ],
    [
      'a ConfigMap key with a slash',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta, data: { 'a/b': '' } },
      `data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    ],
    [
      'an Ingress with an address as host',
      ingress({ rules: [{ host: '10.0.0.1' }] }),
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      'a relative Ingress path',
      ingress({ rules: [{ http: { paths: [{ path: 'a', pathType: 'Exact', backend }] } }] }),
      'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path',
    ],
    [
      'a pool with host bits',
      pool({ cidr: '10.0.0.1/16' }),
      'spec.cidr: Invalid value: "10.0.0.1/16": must be strictly masked: the block is 10.0.0.0/16',
    ],
    [
      'a pool smaller than a block',
      pool({ cidr: '10.0.0.0/28' }),
      'spec.cidr: Invalid value: "10.0.0.0/28": is smaller than one block of size /26: choose a prefix of at most 26 or a larger blockSize',
    ],
    [
      'a block size out of range',
      pool({ cidr: 'fd00::/64', blockSize: 64 }),
      'spec.blockSize: Invalid value: 64: must be between 116 and 128, inclusive',
    ],
  ])('%s', (_, object, expected) => expect(problems(object)).toEqual([expected]));
});
