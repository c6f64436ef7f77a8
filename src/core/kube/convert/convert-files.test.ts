import { describe, expect, it } from 'vitest';
import { parseManifests } from '../yaml.ts';
import { convertFiles } from './convert-files.ts';

const INGRESS = `# The shop's front door.
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: shop   # do not rename
  annotations:
    example.test/mode: "0777"
    example.test/on: 'yes'
spec:
  backend:      # when nothing matches
    serviceName: fallback
    servicePort: 80

  rules:
  # the main host
  - host: shop.example.test
    http:
      paths:
      - path: /api     # the API
        backend:
          serviceName: api   # behind the gateway
          servicePort: http
`;

function convert(...texts: string[]) {
  return convertFiles(texts.map((text, index) => ({ name: `${index}.yaml`, text })));
}

function objectsIn(text: string): unknown[] {
  const { manifests, issues } = parseManifests(text, 'out.yaml');
  expect(issues).toEqual([]);
  return manifests.map(({ object }) => object);
}

function policy(name: string, more = ''): string {
  return `apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: n}\nspec:\n  selector: all()\n${more}`;
}

describe('convertFiles', () => {
  it('keeps every comment, quote and blank line that it can', () => {
    expect(convert(INGRESS).texts[0]).toBe(`# The shop's front door.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop # do not rename
  annotations:
    example.test/mode: "0777"
    example.test/on: 'yes'
spec:
  # when nothing matches
  defaultBackend:
    service:
      name: fallback
      port:
        number: 80

  rules:
  # the main host
  - host: shop.example.test
    http:
      paths:
      - path: /api # the API
        pathType: ImplementationSpecific
        backend:
          # behind the gateway
          service:
            name: api
            port:
              name: http
`);
  });

  it.each<[string, string]>([
    ['a document', INGRESS],
    [
      'a document with anchors',
      INGRESS.replace('name: shop', 'name: &name shop').replace('host: shop.example.test', 'host: *name'),
    ],
    ['JSON', JSON.stringify(objectsIn(INGRESS)[0])],
    [
      'a List',
      `apiVersion: v1\nkind: List\nitems:\n- ${INGRESS.trim().split('\n').slice(1).join('\n  ')}\n- {apiVersion: v1, kind: ConfigMap}\n`,
    ],
    [
      'several documents',
      `---\n${INGRESS}---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\ndata: {a: "1", b: 'on', c: ~}\n`,
    ],
  ])('writes %s that reads as the converted objects', (_, text) => {
    const { objects, texts } = convert(text);
    expect(objects[0]!.conversion.kind).toBe('converted');
    expect(objectsIn(texts[0]!)).toEqual(objects.map(({ object }) => object));
  });

  it('gives back a file without anything to convert exactly as it was', () => {
    const text = '# odd   style\n{ "apiVersion": "v1",\n   kind: ConfigMap }\n';
    expect(convert(text).texts).toEqual([text]);
  });

  it('leaves what is refused in its place', () => {
    const text = `${policy('a', '  order: 1000\n')}---\n${policy('b', '  ingress:\n  - action: Deny # no!\n')}---\n${policy('c', '  order: 1000\n')}`;
    const { objects, texts } = convert(text);
    expect(objects.map(({ conversion }) => conversion.kind)).toEqual(['converted', 'refused', 'converted']);
    expect(objectsIn(texts[0]!)).toMatchObject([
      { apiVersion: 'networking.k8s.io/v1', metadata: { name: 'a' } },
      { apiVersion: 'projectcalico.org/v3', metadata: { name: 'b' } },
      { apiVersion: 'networking.k8s.io/v1', metadata: { name: 'c' } },
    ]);
    expect(texts[0]).toContain('# no!');
  });

  it('looks at all files before it decides', () => {
    const deny = policy('b', '  order: 2000\n  ingress: [{action: Deny}]\n');
    expect(convert(policy('a'), deny).objects[0]!.conversion.kind).toBe('refused');
  });

  it('never makes two objects of one name', () => {
    const taken =
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: n}\nspec: {podSelector: {}}\n';
    expect(convert(policy('a'), taken).objects[0]!.conversion).toMatchObject({
      kind: 'refused',
      problems: [{ path: 'metadata.name' }],
    });
    const admin = (kind: string, spec: string): string =>
      `apiVersion: policy.networking.k8s.io/v1alpha1\nkind: ${kind}\nmetadata: {name: default}\nspec: {${spec}subject: {namespaces: {}}}\n`;
    const both = convert(admin('AdminNetworkPolicy', 'priority: 1, '), admin('BaselineAdminNetworkPolicy', ''));
    expect(both.objects.map(({ conversion }) => conversion.kind)).toEqual(['converted', 'refused']);
  });

  it('reports files that cannot be read', () => {
    expect(convert('a: [', INGRESS).issues).toMatchObject([{ file: '0.yaml', line: 1 }]);
  });
});
