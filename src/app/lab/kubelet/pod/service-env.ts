import type { Service } from 'kubernetes-types/core/v1.d.ts';

/** The docker-links-like variables that Kubernetes gives containers for the Services of their namespace. */
export function serviceEnv(services: Iterable<Service>, namespace: string): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const service of services) {
    const { name = '', namespace: where } = service.metadata ?? {};
    const address = service.spec?.clusterIP;
    if (address === undefined || address === '' || address === 'None') continue;
    // The API's own Service is offered everywhere.
    if (where !== namespace && !(where === 'default' && name === 'kubernetes')) continue;
    Object.assign(env, variables(name, address, service));
  }
  return env;
}

function variables(name: string, address: string, service: Service): Record<string, string> {
  const prefix = name.toUpperCase().replaceAll('-', '_');
  const ports = service.spec?.ports ?? [];
  const [first] = ports;
  if (first === undefined) return {};
  const host = address.includes(':') ? `[${address}]` : address;
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: address,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
    [`${prefix}_PORT`]: `${(first.protocol ?? 'TCP').toLowerCase()}://${host}:${first.port}`,
  };
  for (const { name: portName, port, protocol = 'TCP' } of ports) {
    const lower = protocol.toLowerCase();
    const key = `${prefix}_PORT_${port}_${protocol}`;
    env[key] = `${lower}://${host}:${port}`;
    env[`${key}_PROTO`] = lower;
    env[`${key}_PORT`] = String(port);
    env[`${key}_ADDR`] = address;
    if (portName) env[`${prefix}_SERVICE_PORT_${portName.toUpperCase().replaceAll('-', '_')}`] = String(port);
  }
  return env;
}
