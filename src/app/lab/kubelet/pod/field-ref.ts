import type { Pod } from 'kubernetes-types/core/v1.d.ts';

/** Addresses that the API object does not know yet while the pod starts. */
export interface LiveFields {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/**
 * The value of a downward-API field path, or undefined for one that does not exist (Kubernetes documentation, "Downward
 * API", available fields).
 */
export function fieldValue(pod: Pod, path: string, live: LiveFields): string | undefined {
  const { metadata = {}, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return keyValues(metadata.labels);
    case 'metadata.annotations':
      return keyValues(metadata.annotations);
    case 'spec.nodeName':
      return spec?.nodeName;
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? 'default';
    case 'status.podIP':
      return live.podIps[0] ?? '';
    case 'status.podIPs':
      return live.podIps.join(',');
    case 'status.hostIP':
      return live.hostIps[0] ?? '';
    case 'status.hostIPs':
      return live.hostIps.join(',');
    default:
      return undefined;
  }
}

function keyValues(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
