import { messageOf, SluiceError } from '../../base/errors.ts';
import { CNI_VERSIONS, delegatedIpam, isSupportedVersion } from '../../core/cni/index.ts';

/** What the ConfigMap's template leaves open. */
export interface NetworkConfigValues {
  readonly nodeName: string;
  /** The ConfigMap's `veth_mtu`; 0 leaves it to the agent. */
  readonly mtu: number;
  /** Kept for templates written for other plugins: this plugin reads no kubeconfig and none is written. */
  readonly kubeconfigPath: string;
  /** Another network wires the pods: our plugin need not come first. */
  readonly policyOnly?: boolean;
}

/** The template of a ConfigMap that has none. */
const DEFAULT_TEMPLATE = {
  name: 'k8s-pod-network',
  // What the upstream plugins of Debian 12 speak as well.
  cniVersion: '1.0.0',
  plugins: [
    {
      type: 'sluice',
      nodename: '__KUBERNETES_NODE_NAME__',
      mtu: '__CNI_MTU__',
      capabilities: { portMappings: true, bandwidth: true },
    },
  ],
} as const;

/**
 * The conflist for one node: `template` (the ConfigMap's `cni_network_config`) with its placeholders filled in, or the
 * default, our plugin alone. Throws a SluiceError (`bad-cni-config`) with all that is wrong with the template.
 */
export function renderNetworkConfig(template: string | undefined, values: NetworkConfigValues): string {
  return fill(template === undefined || template.trim() === '' ? JSON.stringify(DEFAULT_TEMPLATE) : template, values);
}

/** The plugins that a rendered conflist needs: those of the chain in its order, each with the one that gives it addresses. */
export function pluginTypes(conflist: string): readonly string[] {
  const { plugins } = JSON.parse(conflist) as { plugins: readonly { readonly type: string }[] };
  return [...new Set(plugins.flatMap((plugin) => [plugin.type, delegatedIpam({ ...plugin }) ?? []].flat()))];
}

/** Name of the network that a ConfigMap's template describes; throws as {@link renderNetworkConfig}. */
export function networkName(template: string | undefined): string {
  const conflist = renderNetworkConfig(template, { nodeName: '', mtu: 0, kubeconfigPath: '' });
  return (JSON.parse(conflist) as { readonly name: string }).name;
}

function fill(template: string, values: NetworkConfigValues): string {
  const text = template
    // A number, also where the template has the placeholder in quotes.
    .replaceAll(/"__CNI_MTU__"|__CNI_MTU__/g, String(values.mtu))
    .replaceAll('__KUBERNETES_NODE_NAME__', escaped(values.nodeName))
    .replaceAll('__KUBECONFIG_FILEPATH__', escaped(values.kubeconfigPath));
  const value = parse(text);
  const problems = problemsOf(value, text, values);
  if (problems.length > 0)
    throw new SluiceError('bad-cni-config', `cni_network_config cannot be used: ${problems.join('; ')}`, { problems });
  return `${JSON.stringify(value, null, 2)}\n`;
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SluiceError('bad-cni-config', `cni_network_config is not JSON: ${messageOf(error)}`, {}, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SluiceError('bad-cni-config', 'cni_network_config is not a JSON object');
}

function problemsOf(
  value: Readonly<Record<string, unknown>>,
  text: string,
  { policyOnly = false }: NetworkConfigValues,
): readonly string[] {
  const problems: string[] = [];
  if (typeof value['name'] !== 'string' || value['name'] === '') problems.push('name is missing');
  if (!isSupportedVersion(value['cniVersion']))
    problems.push(
      `cniVersion ${JSON.stringify(value['cniVersion'])} is not supported (supported: ${CNI_VERSIONS.join(', ')})`,
    );
  const plugins: readonly unknown[] = Array.isArray(value['plugins']) ? value['plugins'] : [];
  const types = plugins.map((plugin) => (plugin as { type?: unknown } | null)?.type);
  if (types.length === 0) problems.push('plugins is not a list with at least one plugin');
  for (const [index, type] of types.entries())
    if (typeof type !== 'string') problems.push(`plugins[${index}].type is missing`);
  if (policyOnly && types.length > 0 && types.filter((type) => type === 'sluice').length !== 1)
    problems.push('one of plugins must be "sluice": it brings the pod under policy');
  if (!policyOnly && types.length > 0 && types[0] !== 'sluice')
    problems.push(
      `plugins[0].type must be "sluice", it is ${JSON.stringify(types[0])}: the pod's interface comes first`,
    );
  const left = /__[A-Z_]+__/.exec(text)?.[0];
  if (left !== undefined) problems.push(`unknown placeholder ${left}`);
  return problems;
}

/** For the inside of a JSON string. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
