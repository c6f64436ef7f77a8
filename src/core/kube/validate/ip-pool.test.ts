import { describe, expect, it } from 'vitest';
import { formatFieldError } from '../field-error.ts';
import { validateObject } from './validate-object.ts';

function pool(spec: object, apiVersion = 'crd.projectcalico.org/v1'): object {
  return { apiVersion, kind: 'IPPool', metadata: { name: 'x' }, spec: { cidr: '10.1.0.0/16', ...spec } };
}

function problems(object: object, previous?: object): string[] {
  return validateObject(object, previous).map(formatFieldError);
}

describe('an IPPool', () => {
  it.each<[string, object]>([
    ['with everything that may be said', { namespaceSelector: 'has(a)', allowedUses: ['Workload'], blockSize: 24 }],
    ['for Services', { allowedUses: ['LoadBalancer'], nodeSelector: 'all()', assignmentMode: 'Manual' }],
    ['for tunnels', { allowedUses: ['Tunnel'], nodeSelector: 'has(a) && b in {"c"}', disableBGPExport: true }],
  ])('%s is accepted', (_, spec) => expect(problems(pool(spec))).toEqual([]));

  it.each<[string, object, string]>([
    ['namespaceSelector', { namespaceSelector: 'has(' }, 'spec.namespaceSelector: Invalid value: "has(": '],
    [
      'link-local range',
      { cidr: '169.254.7.0/24' },
      'spec.cidr: Invalid value: "169.254.7.0/24": overlaps the link-local',
    ],
    ['link-local range', { cidr: 'fe80::/64' }, 'spec.cidr: Invalid value: "fe80::/64": overlaps the link-local'],
    ['use', { allowedUses: ['Workload', 'Pods'] }, 'spec.allowedUses[1]: Unsupported value: "Pods"'],
    ['mixture of uses', { allowedUses: ['Workload', 'LoadBalancer'] }, 'LoadBalancer cannot be combined'],
    [
      'node for Services',
      { allowedUses: ['LoadBalancer'], nodeSelector: 'has(a)' },
      'spec.nodeSelector: Invalid value',
    ],
    [
      'namespace for tunnels',
      { allowedUses: ['Tunnel'], namespaceSelector: 'has(a)' },
      'spec.namespaceSelector: Invalid',
    ],
    ['assignmentMode', { assignmentMode: 'Often' }, 'spec.assignmentMode: Unsupported value: "Often"'],
    [
      'tunnel',
      { cidr: 'fd00::/64', ipipMode: 'Always' },
      'spec.ipipMode: Invalid value: "Always": IPIP carries IPv4 only',
    ],
  ])('with a bad %s is refused', (_, spec, expected) => {
    expect(problems(pool(spec))).toEqual([expect.stringContaining(expected)]);
    expect(problems(pool(spec, 'projectcalico.org/v3'))).toEqual([expect.stringContaining(expected)]);
  });

  it('keeps its range and the size of its blocks', () => {
    const before = pool({});
    expect(problems(pool({ blockSize: 26, disabled: true }), before)).toEqual([]);
    expect(problems(pool({ cidr: '10.2.0.0/16' }), before)).toEqual([
      'spec.cidr: Invalid value: "10.2.0.0/16": cannot be changed from 10.1.0.0/16: create another pool and disable this one',
    ]);
    expect(problems(pool({ blockSize: 24 }), before)).toEqual([
      expect.stringContaining('spec.blockSize: Invalid value: 24: cannot be changed from 26'),
    ]);
  });
});
