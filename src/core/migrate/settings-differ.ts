import type { Rule } from './common-blockers.ts';

/** A ConfigMap that is there is left as it is: it must not say something else than the network needs. */
export function settingsDiffer(settings: Readonly<Record<string, string>>): Rule {
  return (_, { configMaps }) => {
    const there = configMaps.find(
      ({ metadata }) => metadata?.name === 'sluice-config' && metadata.namespace === 'kube-system',
    );
    if (there === undefined) return undefined;
    const wrong = Object.entries(settings).filter(([key, value]) => (there.data?.[key] ?? '') !== value);
    if (wrong.length === 0) return undefined;
    const said = wrong.map(([key, value]) => `${key} (${quoted(there.data?.[key])} instead of ${quoted(value)})`);
    return {
      code: 'settings',
      reason: `ConfigMap sluice-config is there already and says otherwise: ${said.join(', ')}`,
      remedy: 'kubectl -n kube-system delete configmap sluice-config, or set these keys',
    };
  };
}

function quoted(value: string | undefined): string {
  const text = JSON.stringify(value ?? '');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
