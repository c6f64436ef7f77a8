import { suggest } from '../../kube/suggest.ts';
import { destinationsOf } from '../destinations.ts';
import type { LintRule } from '../model.ts';
import { everyRule, listed, portsOf } from '../policy-parts.ts';

/** Silent when the files do not tell which pods the rule leads to, or it leads to none. */
export const namedPort: LintRule = {
  id: 'named-port',
  severity: 'warning',
  summary: 'a port name that no pod of the rule has',
  *check(cluster) {
    for (const each of everyRule(cluster)) {
      const named = portsOf(each.rule).filter((port) => port.kind === 'named');
      if (named.length === 0) continue;
      const pods = destinationsOf(cluster, each);
      if (pods === undefined || pods.length === 0) continue;
      // The cluster-wide APIs name a port of whichever protocol: one entry means all of them.
      for (const alike of Map.groupBy(named, ({ source }) => source.path).values()) {
        const { name, source } = alike[0]!;
        const protocols = alike.map(({ protocol }) => protocol);
        const protocol = protocols.join('/');
        const ports = pods.flatMap(({ pod }) => pod.ports);
        if (ports.some((port) => port.name === name && protocols.includes(port.protocol))) continue;
        const other = ports.find((port) => port.name === name);
        const known = ports.filter((port) => protocols.includes(port.protocol)).map((port) => port.name);
        const near = other === undefined ? suggest(name, known) : undefined;
        const titles = pods.map(({ title }) => title);
        yield {
          manifest: each.entry.manifest,
          path: other === undefined ? `${source.path}.port` : source.path,
          message: (m) =>
            other === undefined
              ? m.namedPort(listed(m, titles), protocol, name)
              : m.namedPortProtocol(name, listed(m, titles), other.protocol, protocol),
          ...(other !== undefined
            ? { suggestion: `protocol: ${other.protocol}` }
            : near === undefined
              ? {}
              : { suggestion: near }),
        };
      }
    }
  },
};
