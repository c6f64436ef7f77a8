import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { formatRuntimeConfig, parseRuntimeConfig } from './runtime-config.ts';

const web = { hostPort: 8080, containerPort: 80, protocol: 'tcp' };
const rates = { ingressRate: 1_000_000, ingressBurst: 2_000_000, egressRate: 3_000_000, egressBurst: 4_294_967_295 };

describe('what a runtime asks by capabilities', () => {
  it('is read as runtimes write it, and written so that it reads the same', () => {
    const portMappings = [
      { ...web, hostIP: '' },
      { ...web, protocol: 'UDP', hostIP: '192.0.2.1' },
      { hostPort: 53, containerPort: 53, hostIP: '::' },
      web,
    ];
    const read = parseRuntimeConfig({ portMappings, bandwidth: rates, ipRanges: [] });
    expect(read).toEqual({
      hostPorts: [
        { hostPort: 8080, containerPort: 80, protocol: 'TCP' },
        { hostPort: 8080, containerPort: 80, protocol: 'UDP', hostIp: parseIp('192.0.2.1') },
        { hostPort: 53, containerPort: 53, protocol: 'TCP', hostIp: parseIp('::') },
      ],
      bandwidth: {
        ingress: { rate: 1_000_000, burst: 2_000_000 },
        egress: { rate: 3_000_000, burst: 4_294_967_295 },
      },
    });
    expect(parseRuntimeConfig(formatRuntimeConfig(read))).toEqual(read);
  });

  it.each([
    [undefined],
    [{}],
    [{ portMappings: [], bandwidth: {} }],
    [{ portMappings: null, bandwidth: { ingressRate: 0, ingressBurst: 0, shapedSubnets: [] } }],
  ])('is nothing in %j', (config) => {
    expect(parseRuntimeConfig(config)).toEqual({});
    expect(formatRuntimeConfig({})).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ portMappings: {} }, 'portMappings is not a list'],
    [{ portMappings: [7] }, 'portMappings[0]: hostPort undefined is not a port'],
    [{ portMappings: [web, { ...web, hostPort: 70_000 }] }, 'portMappings[1]: hostPort 70000 is not a port'],
    [{ portMappings: [{ ...web, containerPort: '80' }] }, 'containerPort "80" is not a port'],
    [{ portMappings: [{ ...web, protocol: 'icmp' }] }, 'protocol "icmp" is not tcp, udp or sctp'],
    [{ portMappings: [{ ...web, hostIP: 'localhost' }] }, 'hostIP "localhost" is not an IP address'],
    [{ portMappings: [{ ...web, hostIP: '127.0.0.1' }] }, "hostIP 127.0.0.1 is the node's loopback"],
    [{ portMappings: [{ ...web, hostIP: '::1' }] }, "hostIP ::1 is the node's loopback"],
    [
      { portMappings: [web, { ...web, containerPort: 81, hostIP: '192.0.2.1' }] },
      'host port 192.0.2.1:8080/TCP leads to container port 80 already',
    ],
    [{ bandwidth: [] }, 'bandwidth is not an object'],
    [{ bandwidth: { ingressRate: 8000 } }, 'bandwidth.ingressRate is set, so ingressBurst must be set, too'],
    [{ bandwidth: { egressBurst: 8000 } }, 'bandwidth.egressBurst is set, so egressRate must be set, too'],
    [{ bandwidth: { egressRate: -1, egressBurst: 8 } }, 'bandwidth.egressRate -1 is not a number of bits'],
    [{ bandwidth: { egressRate: 1.5, egressBurst: 8 } }, 'bandwidth.egressRate 1.5 is not a number of bits'],
    [{ bandwidth: { egressRate: 7, egressBurst: 80_000 } }, 'bandwidth.egressRate 7 is less than a byte per second'],
    [{ bandwidth: { egressRate: 8, egressBurst: 2 ** 35 } }, 'bandwidth.egressBurst 34359738368 is more than 4 GiB'],
    [{ bandwidth: { ...rates, shapedSubnets: ['10.0.0.0/8'] } }, 'bandwidth.shapedSubnets is not supported'],
  ])('is refused as it stands in %j', (config, problem) => {
    const attempt = () => parseRuntimeConfig(config as Record<string, unknown>);
    expect(attempt).toThrow(problem);
    expect(attempt).toThrow(expect.objectContaining({ cniCode: 7 }) as Error);
  });

  it('is refused with all that is wrong at once', () => {
    const config = { portMappings: [{ ...web, hostPort: 0 }], bandwidth: { ingressRate: 1 } };
    expect(() => parseRuntimeConfig(config)).toThrow(/hostPort 0 .*; bandwidth\.ingressRate/);
  });
});
