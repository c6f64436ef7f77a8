import { SluiceError } from '../../base/errors.ts';
import { formatLoadIssue } from '../../core/kube/check-manifest.ts';
import { convertFiles } from '../../core/kube/convert/convert-files.ts';
import type { ConvertedObject } from '../../core/kube/convert/convert-files.ts';
import type { FieldRemark } from '../../core/kube/convert/conversion.ts';
import type { Command } from '../command.ts';
import { FILENAME, pathsOf } from '../input.ts';
import { readSources } from '../read-manifests.ts';

/** `sluice convert -f FILE` */
export const command: Command = {
  meta: {
    description:
      'Prints the objects of the files with old API versions brought to current ones (NetworkPolicy, Ingress, IngressClass, workloads, ' +
      'AdminNetworkPolicy), and Calico NetworkPolicies as Kubernetes ones wherever that means exactly the same. ' +
      'What cannot be converted is printed as it is, and the reason on standard error. Comments are kept.\n' +
      'Exit code 0: everything is current now; 1: something was not converted; 2: the input could not be read.',
    examples: [
      'sluice convert -f old-ingress.yaml > ingress.yaml',
      'sluice convert -f policies/ -o json',
      'kubectl get networkpolicies.crd.projectcalico.org -A -o yaml | sluice convert -f -',
    ],
  },
  args: {
    positionals: [],
    options: [
      FILENAME,
      { flags: '-o, --output <format>', description: 'output format', choices: ['yaml', 'json'], fallback: 'yaml' },
    ],
  },
  run: async ({ values, print, note }) => {
    const paths = pathsOf(values);
    if (paths.length === 0)
      throw new SluiceError('bad-input', 'which files? Add -f with a file, a folder or - (may be repeated)');
    const { sources, skipped } = readSources(paths);
    for (const file of skipped) note(`${file}: skipped, since nothing in it has an apiVersion and a kind`);
    const { objects, texts, issues } = convertFiles(sources.map(({ file, text }) => ({ name: file, text })));
    if (issues.length > 0) throw new SluiceError('bad-input', issues.map(formatLoadIssue).join('\n'));
    for (const each of objects) for (const line of remarksOn(each)) note(line);
    print(values['output'] === 'json' ? json(objects) : yaml(texts));
    return objects.some(({ conversion }) => conversion.kind === 'refused') ? 1 : 0;
  },
};

function remarksOn({ manifest, conversion }: ConvertedObject): string[] {
  if (conversion.kind === 'current') return [];
  const remarks = conversion.kind === 'refused' ? conversion.problems : conversion.remarks;
  const said = conversion.kind === 'refused' ? 'not converted: ' : '';
  const metadata = manifest.object['metadata'] as { namespace?: string; name?: string } | undefined;
  const name = [metadata?.namespace, metadata?.name].filter((each) => each !== undefined).join('/');
  return remarks.map(({ path, message }: FieldRemark) => {
    const { file, line, column } = manifest.locate(path);
    return `${file}:${line}:${column}: ${said}${String(manifest.object['kind'])} ${name}, ${path}: ${message}`;
  });
}

/** One object by itself, several as a List, as kubectl prints them. */
function json(objects: readonly ConvertedObject[]): string {
  const values = objects.map(({ object }) => object);
  return JSON.stringify(values.length === 1 ? values[0] : { apiVersion: 'v1', kind: 'List', items: values }, null, 2);
}

function yaml(texts: readonly string[]): string {
  return texts
    .map((text, index) => (index === 0 || text.startsWith('---') ? text : `---\n${text}`))
    .map((text) => text.replace(/\n*$/, ''))
    .join('\n');
}
