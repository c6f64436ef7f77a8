import { describe, expect, it } from 'vitest';
import type { ImageContext } from './image.ts';
import { resolveImage } from './resolve-image.ts';

const context: ImageContext = {
  podName: 'p',
  podNamespace: 'default',
  containerName: 'c',
  ports: [
    { protocol: 'TCP', port: 6379 },
    { protocol: 'UDP', port: 53 },
  ],
  repository: '/repo',
  node: '/repo/node',
  busybox: '/bin/busybox',
  applets: '/applets',
};

describe('the program of an image', () => {
  it.each([
    ['nginx:1.27', 'nginx'],
    ['docker.io/library/httpd', 'httpd'],
    ['busybox', 'busybox'],
    ['nicolaka/netshoot:v0.13', 'busybox'],
    ['ubuntu:24.04', 'linux'],
    ['registry.k8s.io/pause:3.10', 'pause'],
    ['registry.k8s.io/e2e-test-images/agnhost:2.53', 'agnhost'],
    ['ghcr.io/sluice-project/sluice:0.1.0', 'sluice'],
    ['example.test/team/anything:v1', 'listener'],
  ])('of %s is a %s', (reference, kind) => {
    expect(resolveImage(reference, context).kind).toBe(kind);
  });

  it('of an unknown image listens on every declared port', () => {
    expect(resolveImage('mysql:8', context).program.slice(-2)).toEqual(['tcp:6379', 'udp:53']);
  });

  it("of somebody else's image named sluice is not ours", () => {
    expect(resolveImage('example.test/sluice', context).kind).toBe('listener');
  });
});
