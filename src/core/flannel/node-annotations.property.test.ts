import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { leasesOf } from './lease.test-support.ts';
import type { FamilyLease, FlannelLease } from './lease.ts';
import { nodeAnnotations, readNodeLease } from './node-annotations.ts';

const leases = leasesOf([[4], [6], [4, 6]]);

const VXLAN = {
  'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"6a:cb:be:50:01:08"}',
  'flannel.alpha.coreos.com/backend-type': 'vxlan',
  'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
  'flannel.alpha.coreos.com/public-ip': '192.168.1.5',
};
const PODS = [parseCidr('10.244.2.0/24')!, parseCidr('fd00:10:244:2::/64')!];

describe('the annotations of a node', () => {
  it('say a lease so that it is read as it was', () => {
    fc.assert(
      fc.property(leases, (lease) => {
        const subnets = Object.values(lease.families).map(({ subnet: each }) => each);
        expect(readNodeLease(nodeAnnotations(lease, {}), subnets)).toEqual({ lease, problems: [] });
      }),
    );
  });

  it('are those that flannel writes', () => {
    const v4: FamilyLease = {
      subnet: PODS[0]!,
      publicIp: parseIp('192.168.1.5')!,
      vtep: { vni: 1, mac: '6a:cb:be:50:01:08' },
    };
    expect(nodeAnnotations({ backendType: 'vxlan', families: { 4: v4 } }, {})).toEqual(VXLAN);
    expect(readNodeLease(VXLAN, PODS)).toEqual({ lease: { backendType: 'vxlan', families: { 4: v4 } }, problems: [] });
    const { subnet: pods, publicIp } = v4;
    const publicKey = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=';
    expect(
      nodeAnnotations({ backendType: 'wireguard', families: { 4: { subnet: pods, publicIp, publicKey } } }, {}),
    ).toMatchObject({
      'flannel.alpha.coreos.com/backend-data': `{"PublicKey":"${publicKey}"}`,
      'flannel.alpha.coreos.com/backend-type': 'wireguard',
    });
    expect(nodeAnnotations({ backendType: 'host-gw', families: { 4: { subnet: pods, publicIp } } }, {})).toMatchObject({
      'flannel.alpha.coreos.com/backend-data': 'null',
    });
  });

  it('have the address that an administrator has put in the place of the own one', () => {
    const lease: FlannelLease = {
      backendType: 'host-gw',
      families: { 4: { subnet: PODS[0]!, publicIp: parseIp('192.168.1.5')! } },
    };
    const present = { 'flannel.alpha.coreos.com/public-ip-overwrite': '203.0.113.7' };
    expect(nodeAnnotations(lease, present)['flannel.alpha.coreos.com/public-ip']).toBe('203.0.113.7');
  });

  it('mean nothing on a node that is not managed by the API', () => {
    const { 'flannel.alpha.coreos.com/kube-subnet-manager': _, ...rest } = VXLAN;
    expect(readNodeLease(rest, PODS)).toEqual({ lease: undefined, problems: [] });
  });

  it.each([
    [{ 'public-ip': 'x' }, `its annotation flannel.alpha.coreos.com/public-ip is 'x', no IPv4 address`],
    [{ 'backend-data': 'null' }, `its annotation flannel.alpha.coreos.com/backend-data is 'null', without a VtepMAC`],
    [
      { 'backend-data': '{"VtepMAC":"6a:cb"}' },
      `its annotation flannel.alpha.coreos.com/backend-data is '{"VtepMAC":"6a:cb"}', without a VtepMAC`,
    ],
    [
      { 'backend-type': 'wireguard', 'backend-data': '{"PublicKey":"x"}' },
      `its annotation flannel.alpha.coreos.com/backend-data is '{"PublicKey":"x"}', without a PublicKey`,
    ],
  ])('that say %j are reported', (changed, problem) => {
    const more = Object.entries(changed).map(([name, value]) => [`flannel.alpha.coreos.com/${name}`, value]);
    const annotations = { ...VXLAN, ...(Object.fromEntries(more) as Record<string, string>) };
    expect(readNodeLease(annotations, PODS)).toEqual({ lease: undefined, problems: [problem] });
  });

  it('of one bad family leave the other alone', () => {
    const annotations = { ...VXLAN, 'flannel.alpha.coreos.com/public-ipv6': 'fd00::5' };
    const { lease, problems } = readNodeLease(annotations, PODS);
    expect(Object.keys(lease!.families)).toEqual(['4']);
    expect(problems).toEqual([`its annotation flannel.alpha.coreos.com/backend-v6-data is '', without a VtepMAC`]);
    expect(readNodeLease(VXLAN, [])).toEqual({ lease: undefined, problems: ['it has no IPv4 podCIDR'] });
  });
});
