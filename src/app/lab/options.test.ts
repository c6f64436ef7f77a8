import { describe, expect, it } from 'vitest';
import { validateLabOptions } from './options.ts';

const problemsOf = (raw: Parameters<typeof validateLabOptions>[0]): readonly string[] => {
  const result = validateLabOptions(raw);
  return result.kind === 'valid' ? [] : result.problems.map(({ option, message }) => `${option}: ${message}`);
};

describe('the options of a cluster', () => {
  it('are complete by default', () => {
    expect(validateLabOptions({})).toEqual({
      kind: 'valid',
      options: {
        name: 'sluice',
        nodes: 3,
        backend: 'vxlan',
        ipFamily: 'ipv4',
        podCidrs: ['10.244.0.0/16'],
        serviceCidrs: ['10.96.0.0/16'],
        apiPort: 0,
      },
    });
  });

  it('order the ranges of a dual-stack cluster by family, whatever was typed', () => {
    const result = validateLabOptions({ ipFamily: 'dual', podCidr: 'fd01::/56, 10.1.0.0/16' });
    expect(result).toMatchObject({ kind: 'valid', options: { podCidrs: ['10.1.0.0/16', 'fd01::/56'] } });
  });

  it('put pods of backend macvlan on the segment of their nodes', () => {
    const options = { podCidrs: ['172.30.1.128/25', 'fd00:30:1:0:1::/80'] };
    expect(validateLabOptions({ backend: 'macvlan', ipFamily: 'dual' })).toMatchObject({ kind: 'valid', options });
  });

  it.each([
    [{ podCidr: '10.244.0.0/27' }, '--pod-cidr', 'room for 0 blocks'],
    [{ podCidr: '10.244.0.0/25', nodes: 3 }, '--pod-cidr', 'use a /24 or wider'],
    [{ podCidr: '10.96.0.0/12' }, '--service-cidr', 'overlaps the pods'],
    [{ podCidr: '172.16.0.0/12' }, '--pod-cidr', "where the lab's nodes"],
    [{ serviceCidr: '203.0.113.0/24' }, '--service-cidr', "where the lab's nodes"],
    [{ podCidr: '169.254.0.0/16' }, '--pod-cidr', 'link-local'],
    [{ podCidr: '10.244.0.1/16' }, '--pod-cidr', 'did you mean 10.244.0.0/16'],
    [{ podCidr: '10.300.0.0/16' }, '--pod-cidr', 'is not a CIDR'],
    [{ podCidr: 'fd00::/56' }, '--pod-cidr', 'does not fit the IP family'],
    [{ ipFamily: 'dual', podCidr: '10.1.0.0/16' }, '--pod-cidr', 'one IPv4 and IPv6 CIDR each'],
    [{ serviceCidr: '10.96.0.0/8' }, '--service-cidr', 'between a /12 and a /27'],
    [{ apiPort: '70000' }, '--api-port', 'from 0 to 65535'],
    [{ apiPort: '64o' }, '--api-port', 'from 0 to 65535'],
    [{ nodes: '0' }, '--nodes', 'from 1 to'],
    [{ backend: 'bgp' }, '--backend', 'vxlan, host-gw, cross-subnet'],
    [{ backend: 'ipip', ipFamily: 'ipv6' }, '--backend', 'ipip carries IPv4 only'],
    [{ backend: 'macvlan', podCidr: '10.244.0.0/16' }, '--pod-cidr', "a part of 172.30.1.0/24, the nodes' own segment"],
    [{ backend: 'macvlan', podCidr: '172.30.1.0/27' }, '--pod-cidr', 'without their addresses'],
    [{ backend: 'macvlan', nodes: 17 }, '--pod-cidr', 'room for 16 blocks of 8 addresses'],
    [{ ipFamily: 'v4' }, '--ip-family', 'ipv4, ipv6, dual'],
    [{ name: 'Bad_Name' }, '--name', 'not a name'],
    [{ name: 'a-name-of-far-more-than-20-letters' }, '--name', 'not a name'],
  ])('refuse %j', (raw, option, message) => {
    expect(problemsOf(raw)).toContainEqual(expect.stringContaining(`${option}: `));
    expect(problemsOf(raw).join('\n')).toContain(message);
  });

  it('are reported all at once', () => {
    expect(problemsOf({ nodes: 'many', backend: 'x', apiPort: -1 })).toHaveLength(3);
  });
});
