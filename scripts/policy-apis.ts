import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, isMap } from 'yaml';
import { POLICY_KINDS } from '../src/core/kube/schemas/catalogue.ts';
import { customResourceDefinition } from '../src/core/kube/schemas/custom-kind.ts';
import type { CustomKind } from '../src/core/kube/schemas/custom-kind.ts';

/** Writes `deploy/policy-apis.yaml`; with `--check` only says whether it is up to date (exit 0) or not (exit 1). */
const FILE = join(import.meta.dirname, '../deploy/policy-apis.yaml');

const HEADER = `# The policy APIs that Sluice enforces besides NetworkPolicy: kubectl apply --server-side -f policy-apis.yaml
# Optional, and before or after sluice.yaml: what a cluster does not have is empty to the agents, and a cluster that has
# these definitions from the projects themselves (network-policy-api, Calico) keeps its own.
# Written by scripts/policy-apis.ts from src/core/kube/schemas.
`;

const text = HEADER + POLICY_KINDS.map(definition).join('---\n');
if (process.argv.includes('--check')) {
  process.exit(readFileSync(FILE, 'utf8') === text ? 0 : 1);
} else writeFileSync(FILE, text);

/** Readable down to the schemas, which are for `kubectl explain` to show: one line each. */
function definition(kind: CustomKind): string {
  const document = new Document(customResourceDefinition(kind), { aliasDuplicateObjects: false });
  for (let i = 0; i < kind.versions.length; i++) {
    const schema = document.getIn(['spec', 'versions', i, 'schema']);
    if (isMap(schema)) schema.flow = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
