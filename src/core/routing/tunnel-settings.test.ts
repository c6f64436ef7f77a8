import { describe, expect, it } from 'vitest';
import { tunnelSettings } from './index.ts';

const read = (spec: Readonly<Record<string, unknown>>) =>
  tunnelSettings({ kind: 'FelixConfiguration', metadata: { name: 'default' }, spec });

describe('what a FelixConfiguration says of tunnels', () => {
  it('is nothing but that pods may not send wrapped packets, until it says more', () => {
    expect(read({ bpfLogLevel: '' })).toEqual({
      value: { vxlan: {}, fromPods: { vxlan: false, ipip: false } },
      issues: [],
    });
    expect(
      read({
        vxlanVNI: 1,
        vxlanPort: 8472,
        vxlanMTU: 1400,
        vxlanMTUV6: 0,
        ipipMTU: 1440,
        allowIPIPPacketsFromWorkloads: true,
        featureDetectOverride: 'SNATFullyRandom=false,ChecksumOffloadBroken=true',
      }).value,
    ).toEqual({
      vxlan: { vni: 1, port: 8472 },
      mtu: { vxlan: { 4: 1400 }, ipip: 1440 },
      fromPods: { vxlan: false, ipip: true },
      checksumOffloadBroken: true,
    });
  });

  it.each([
    [{ vxlanVNI: 0 }, 'spec.vxlanVNI'],
    [{ vxlanPort: 70_000 }, 'spec.vxlanPort'],
    [{ vxlanMTU: 575 }, 'spec.vxlanMTU'],
    [{ vxlanMTUV6: 1279 }, 'spec.vxlanMTUV6'],
    [{ ipipMTU: 'large' }, 'spec.ipipMTU'],
    [{ allowVXLANPacketsFromWorkloads: 'yes' }, 'spec.allowVXLANPacketsFromWorkloads'],
    [{ featureDetectOverride: 'ChecksumOffloadBroken' }, 'spec.featureDetectOverride'],
    [{ programClusterRoutes: 'Enabled' }, 'spec.programClusterRoutes'],
  ])('is reported and left out where it cannot be used: %j', (spec, path) => {
    const { value, issues } = read(spec);
    expect(value).toEqual({ vxlan: {}, fromPods: { vxlan: false, ipip: false } });
    expect(issues.map(({ source }) => source.path)).toEqual([path]);
  });
});
