import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, Scalar, isMap, visit } from 'yaml';
import { BGP_KINDS } from '../src/core/kube/schemas/calico-bgp.ts';
import { POLICY_KINDS } from '../src/core/kube/schemas/catalogue.ts';
import { customResourceDefinition } from '../src/core/kube/schemas/custom-kind.ts';
import type { CustomKind } from '../src/core/kube/schemas/custom-kind.ts';
import { GATEWAY_KINDS } from '../src/core/kube/schemas/gateway-api.ts';

/** Writes `deploy/policy-apis.yaml` and its like; with `--check` only says whether they are up to date (exit 0) or not (exit 1). */
const DEPLOY = join(import.meta.dirname, '../deploy');

const POLICY_HEADER = `# The policy APIs that Sluice enforces besides NetworkPolicy: kubectl apply --server-side -f policy-apis.yaml
# Optional, and before or after sluice.yaml: what a cluster does not have is empty to the agents, and a cluster that has
# these definitions from the projects themselves (network-policy-api, Calico) keeps its own.
# Written by scripts/policy-apis.ts from src/core/kube/schemas.
`;

const BGP_HEADER = `# The BGP resources that Sluice heeds when calico_backend is none: kubectl apply --server-side -f bgp-apis.yaml
# Optional: without them all nodes peer with each other. A cluster that has these definitions from Calico keeps its own.
# Written by scripts/policy-apis.ts from src/core/kube/schemas.
`;

const GATEWAY_HEADER = `# The part of the Gateway API that Sluice serves: kubectl apply --server-side -f gateway-apis.yaml, then gateway-class.yaml.
# Optional, and before or after sluice-ingress.yaml. A cluster that has these definitions from the project itself
# (gateway-api, standard channel) keeps its own, and needs the class alone.
# Written by scripts/policy-apis.ts from src/core/kube/schemas.
`;

const files = [
  { path: join(DEPLOY, 'policy-apis.yaml'), text: POLICY_HEADER + POLICY_KINDS.map(definition).join('---\n') },
  { path: join(DEPLOY, 'bgp-apis.yaml'), text: BGP_HEADER + BGP_KINDS.map(definition).join('---\n') },
  {
    path: join(DEPLOY, 'gateway-apis.yaml'),
    text: GATEWAY_HEADER + GATEWAY_KINDS.map(definition).join('---\n'),
  },
];
if (process.argv.includes('--check')) {
  process.exit(files.every(({ path, text }) => readFileSync(path, 'utf8') === text) ? 0 : 1);
} else for (const { path, text } of files) writeFileSync(path, text);

/** Readable down to the schemas, which are for `kubectl explain` to show: one line each. */
function definition(kind: CustomKind): string {
  const document = new Document(customResourceDefinition(kind), { aliasDuplicateObjects: false });
  for (let i = 0; i < kind.versions.length; i++) {
    const schema = document.getIn(['spec', 'versions', i, 'schema']);
    if (!isMap(schema)) continue;
    schema.flow = true;
    visit(schema, { Scalar: (_key, scalar) => quoteForKubectl(scalar) });
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** In a flow collection kubectl's parser refuses a text without quotes that has a question mark. */
function quoteForKubectl(scalar: Scalar): void {
  if (typeof scalar.value === 'string' && scalar.value.includes('?')) scalar.type = Scalar.QUOTE_DOUBLE;
}
