import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { assignOrdinal, emptyBlock, releaseOrdinals } from './block.ts';
import { decodeAffinity, decodeBlock, decodePool, encodeAffinity, encodeBlock } from './codec.ts';
import type { IpamBlockSpec, IpamResource } from './codec.ts';
import { affinityName, blockName } from './names.ts';
import type { Block } from './types.ts';

/** A block as Calico v3.28 wrote it (kubectl get ipamblock -o json), shortened to a /30. */
const CALICO_BLOCK: IpamResource<IpamBlockSpec> = JSON.parse(`{
  "apiVersion": "crd.projectcalico.org/v1",
  "kind": "IPAMBlock",
  "metadata": { "name": "10-244-0-64-30", "resourceVersion": "1234", "annotations": { "projectcalico.org/metadata": "{}" } },
  "spec": {
    "affinity": "host:node-1",
    "allocations": [0, null, 1, null],
    "attributes": [
      { "handle_id": "vxlan-tunnel-addr-node-1", "secondary": { "node": "node-1", "type": "vxlanTunnelAddress" } },
      { "handle_id": "k8s-pod-network.3c1f", "secondary": { "namespace": "default", "node": "node-1", "pod": "web", "timestamp": "2026-01-01 00:00:00 +0000 UTC" } }
    ],
    "cidr": "10.244.0.64/30",
    "deleted": false,
    "sequenceNumber": 17,
    "sequenceNumberForAllocation": { "0": 15, "2": 16 },
    "strictAffinity": false,
    "unallocated": [3, 1]
  }
}`);

describe('the block resource', () => {
  it('is read as Calico writes it', () => {
    const block = decodeBlock(CALICO_BLOCK);
    expect(block).toMatchObject({ node: 'node-1', cidr: parseCidr('10.244.0.64/30'), free: [3, 1] });
    expect([...block.allocations.keys()]).toEqual([0, 2]);
    expect(block.allocations.get(2)?.attributes['pod']).toBe('web');
  });

  it('is written with the fields that Calico requires', () => {
    const { kind, metadata, spec } = encodeBlock(decodeBlock(CALICO_BLOCK));
    expect({ kind, name: metadata.name }).toEqual({ kind: 'IPAMBlock', name: '10-244-0-64-30' });
    const {
      sequenceNumber: _n,
      sequenceNumberForAllocation: _m,
      ...known
    } = CALICO_BLOCK.spec as unknown as Record<string, unknown>;
    expect(spec).toEqual(known);
  });

  it('survives any sequence of assignments and releases', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(15), { maxLength: 40 }), (ordinals) => {
        const coolDown = { now: 5, coolDownMs: 100 };
        const block = ordinals.reduce<Block>(
          (current, ordinal) =>
            current.allocations.has(ordinal)
              ? releaseOrdinals(current, [ordinal], coolDown)
              : assignOrdinal(current, ordinal, { handle: `h${ordinal}`, attributes: { pod: 'p' } }, coolDown),
          emptyBlock(parseCidr('fd00::10/124')!, 'n', true),
        );
        expect(decodeBlock(JSON.parse(JSON.stringify(encodeBlock(block))))).toEqual(block);
      }),
    );
  });

  it.each([
    ['too few allocations', { allocations: [0, null] }, /one entry for each of the 4 addresses/],
    [
      'an allocation without attribute',
      { allocations: [9, null, null, null] },
      /allocations\[0\] refers to no attribute/,
    ],
    ['a cidr that is none', { cidr: '10.244.0.64' }, /spec\.cidr "10\.244\.0\.64" is not a CIDR/],
  ])('is refused with %s', (_, change, message) => {
    expect(() => decodeBlock({ ...CALICO_BLOCK, spec: { ...CALICO_BLOCK.spec, ...change } })).toThrow(message);
  });

  it('never calls an address free that somebody owns', () => {
    const spec = { ...CALICO_BLOCK.spec, unallocated: [0, 1, 1, 2, 3, 99] };
    expect(decodeBlock({ ...CALICO_BLOCK, spec }).free).toEqual([1, 3]);
  });
});

describe('names and other resources', () => {
  it.each([
    ['10.244.0.64/26', '10-244-0-64-26'],
    ['fd00:10:244::40/122', 'fd00-10-244--40-122'],
  ])('names block %s %s', (cidr, name) => {
    expect(blockName(parseCidr(cidr)!)).toBe(name);
    expect(affinityName('node-1', parseCidr(cidr)!)).toBe(`node-1-${name}`);
  });

  it('gives back an affinity', () => {
    const affinity = { node: 'node-1', cidr: parseCidr('10.244.0.64/26')!, state: 'confirmed' as const };
    expect(decodeAffinity(encodeAffinity(affinity))).toEqual(affinity);
  });

  it('reads a pool with its defaults', () => {
    const pool = decodePool({ metadata: { name: 'p' }, spec: { cidr: 'fd00:10:244::/56' } });
    expect(pool).toMatchObject({ blockSize: 122, disabled: false, nodeSelector: 'all()', vxlanMode: 'Never' });
  });

  it('refuses a pool that cannot hold one block', () => {
    expect(() => decodePool({ kind: 'IPPool', metadata: { name: 'tiny' }, spec: { cidr: '10.0.0.0/28' } })).toThrow(
      /IPPool tiny: spec\.blockSize 26 does not fit/,
    );
  });

  it.each([
    ['10.0.0.0/8', 16, /IPPool odd: spec\.blockSize must be from 20 to 32, not 16/],
    ['fd00::/48', 64, /IPPool odd: spec\.blockSize must be from 116 to 128, not 64/],
  ])('refuses a pool, %s, whose blocks of /%d are too large for one object', (cidr, blockSize, message) => {
    const pool = { kind: 'IPPool', metadata: { name: 'odd' }, spec: { cidr, blockSize } };
    expect(() => decodePool(pool)).toThrow(message);
  });

  it('counts a pool that is being deleted as disabled', () => {
    const metadata = { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(decodePool({ metadata, spec: { cidr: '10.0.0.0/16' } }).disabled).toBe(true);
  });
});
