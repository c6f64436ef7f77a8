import type { CustomKind } from './custom-kind.ts';
import { choice, integer, labelSelector, list, object, text, textMap } from './open-api.ts';
import type { OpenApiSchema } from './open-api.ts';

// Fields and limits: sigs.k8s.io/gateway-api, apis/v1 and apis/v1beta1, standard channel.

const GROUP = 'gateway.networking.k8s.io';
const HOSTNAME = '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const DURATION = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

const port = (description?: string): OpenApiSchema => integer(1, 65535, description);
const sectionName = text('Name of a listener.', { minLength: 1, maxLength: 253 });
const hostname = (description: string): OpenApiSchema =>
  text(description, { pattern: HOSTNAME, minLength: 1, maxLength: 253 });
const any = (description: string): OpenApiSchema => ({
  description,
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
});

/** A reference to an object; the namespace is that of the object that has it, unless it says otherwise. */
const reference = (more: Readonly<Record<string, OpenApiSchema>>, description: string): OpenApiSchema =>
  object({ group: text(), kind: text(), namespace: text(), name: text(), ...more }, description, {
    required: ['name'],
  });

const classSpec = object(
  {
    controllerName: text('The controller that serves Gateways of this class.', { minLength: 1, maxLength: 253 }),
    parametersRef: reference({}, 'Not supported: a class with it is not accepted.'),
    description: text(undefined, { maxLength: 64 }),
  },
  undefined,
  { required: ['controllerName'] },
);

const listener = object(
  {
    name: sectionName,
    hostname: hostname('Hosts that it is for; *. stands for one label or more. Absent: all.'),
    port: port(),
    protocol: text('HTTP or HTTPS.', { minLength: 1, maxLength: 255 }),
    tls: object({
      mode: choice(['Terminate', 'Passthrough'], 'Terminate is supported.'),
      certificateRefs: list(reference({}, 'A Secret with tls.crt and tls.key.'), undefined, { maxItems: 64 }),
      options: textMap('Without effect.'),
    }),
    allowedRoutes: object({
      namespaces: object({
        from: choice(['All', 'Selector', 'Same'], 'Namespaces of routes; Same by default.'),
        selector: labelSelector('Labels of their namespaces, with Selector.'),
      }),
      kinds: list(
        object({ group: text(), kind: text() }, undefined, { required: ['kind'] }),
        'HTTPRoute is supported.',
        {
          maxItems: 8,
        },
      ),
    }),
  },
  undefined,
  { required: ['name', 'port', 'protocol'] },
);

const gatewaySpec = object(
  {
    gatewayClassName: text(undefined, { minLength: 1, maxLength: 253 }),
    listeners: list(listener, undefined, { minItems: 1, maxItems: 64 }),
    addresses: list(object({ type: text(), value: text() }), "Only the proxy's own.", { maxItems: 16 }),
    infrastructure: any('Without effect.'),
  },
  undefined,
  { required: ['gatewayClassName', 'listeners'] },
);

const header = object({ name: text(undefined, { minLength: 1, maxLength: 256 }), value: text() }, undefined, {
  required: ['name', 'value'],
});
const headers = object({
  set: list(header, undefined, { maxItems: 16 }),
  add: list(header, undefined, { maxItems: 16 }),
  remove: list(text(), undefined, { maxItems: 16 }),
});
const pathModifier = object(
  {
    type: choice(['ReplaceFullPath', 'ReplacePrefixMatch']),
    replaceFullPath: text(undefined, { maxLength: 1024 }),
    replacePrefixMatch: text(undefined, { maxLength: 1024 }),
  },
  undefined,
  { required: ['type'] },
);

const filter = (types: readonly string[]): OpenApiSchema =>
  object(
    {
      type: choice(types),
      requestHeaderModifier: headers,
      responseHeaderModifier: headers,
      requestRedirect: object({
        scheme: choice(['http', 'https']),
        hostname: hostname('Where to; the host of the request by default.'),
        path: pathModifier,
        port: port(),
        statusCode: { type: 'integer', enum: [301, 302, 303, 307, 308] },
      }),
      urlRewrite: object({ hostname: hostname('What servers see as Host.'), path: pathModifier }),
      requestMirror: any('Not supported: a route with it is not accepted.'),
      extensionRef: any('Not supported: a route with it is not accepted.'),
    },
    undefined,
    { required: ['type'] },
  );
const filters = list(
  filter([
    'RequestHeaderModifier',
    'ResponseHeaderModifier',
    'RequestMirror',
    'RequestRedirect',
    'URLRewrite',
    'ExtensionRef',
  ]),
  'In order.',
  { maxItems: 16 },
);

const valueMatch = object(
  {
    type: choice(['Exact', 'RegularExpression'], 'Exact by default.'),
    name: text(undefined, { minLength: 1, maxLength: 256 }),
    value: text(undefined, { minLength: 1, maxLength: 4096 }),
  },
  undefined,
  { required: ['name', 'value'] },
);
const match = object({
  path: object({
    type: choice(['Exact', 'PathPrefix', 'RegularExpression'], 'PathPrefix by default.'),
    value: text('/ by default.', { maxLength: 1024 }),
  }),
  headers: list(valueMatch, undefined, { maxItems: 16 }),
  queryParams: list(valueMatch, undefined, { maxItems: 16 }),
  method: choice(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']),
});

const rule = object({
  name: sectionName,
  matches: list(match, 'One of them must hold; every request by default.', { maxItems: 64 }),
  filters,
  backendRefs: list(
    reference({ port: port(), weight: integer(0, 1_000_000, '1 by default.'), filters }, 'A Service.'),
    'Requests are divided by weight.',
    { maxItems: 16 },
  ),
  timeouts: object({
    request: text('Such as 10s.', { pattern: DURATION }),
    backendRequest: text('Such as 10s.', { pattern: DURATION }),
  }),
});

const routeSpec = object({
  parentRefs: list(reference({ sectionName, port: port() }, 'A Gateway.'), undefined, { maxItems: 32 }),
  hostnames: list(hostname('A host; *. stands for one label or more.'), undefined, { maxItems: 16 }),
  rules: list(rule, undefined, { maxItems: 16 }),
});

const grantSpec = object(
  {
    from: list(
      object({ group: text(), kind: text(), namespace: text() }, undefined, {
        required: ['group', 'kind', 'namespace'],
      }),
      'Who may name something.',
      { minItems: 1, maxItems: 16 },
    ),
    to: list(
      object({ group: text(), kind: text(), name: text() }, undefined, { required: ['group', 'kind'] }),
      'What may be named; all of the kind without a name.',
      { minItems: 1, maxItems: 16 },
    ),
  },
  undefined,
  { required: ['from', 'to'] },
);

const common = {
  group: GROUP,
  versions: ['v1', 'v1beta1'],
  shortNames: [],
  specRequired: true,
  hasStatus: true,
  columns: [],
  scope: 'Namespaced',
  review: 'https://github.com/kubernetes-sigs/gateway-api/pull/1923',
  // The release whose standard channel has all the fields that are here.
  annotations: { 'gateway.networking.k8s.io/bundle-version': 'v1.4.0' },
} as const;

/** The kinds of the Gateway API that Sluice serves, with the fields that mean something to it. */
export const GATEWAY_KINDS: readonly CustomKind[] = [
  {
    ...common,
    kind: 'GatewayClass',
    plural: 'gatewayclasses',
    shortNames: ['gc'],
    scope: 'Cluster',
    columns: [
      { name: 'Controller', type: 'string', jsonPath: '.spec.controllerName' },
      { name: 'Accepted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
    ],
    description: 'Who serves Gateways of this class.',
    spec: classSpec,
  },
  {
    ...common,
    kind: 'Gateway',
    plural: 'gateways',
    shortNames: ['gtw'],
    columns: [
      { name: 'Class', type: 'string', jsonPath: '.spec.gatewayClassName' },
      { name: 'Address', type: 'string', jsonPath: '.status.addresses[*].value' },
      { name: 'Programmed', type: 'string', jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
    ],
    description: 'Ports and hosts at which requests are taken.',
    spec: gatewaySpec,
  },
  {
    ...common,
    kind: 'HTTPRoute',
    plural: 'httproutes',
    columns: [
      { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' },
      { name: 'Accepted', type: 'string', jsonPath: '.status.parents[*].conditions[?(@.type=="Accepted")].status' },
    ],
    description: 'Which requests of which Gateways go to which Services.',
    spec: routeSpec,
  },
  {
    ...common,
    kind: 'ReferenceGrant',
    plural: 'referencegrants',
    shortNames: ['refgrant'],
    versions: ['v1beta1', 'v1'],
    hasStatus: false,
    description: 'Who of other namespaces may name Services or Secrets of this one.',
    spec: grantSpec,
  },
];
