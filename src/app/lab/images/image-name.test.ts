import { expect, it } from 'vitest';
import { parseImageName } from './image-name.ts';

it.each([
  ['nginx', { registry: 'docker.io', repository: 'nginx', base: 'nginx', tag: 'latest' }],
  ['nginx:1.27-alpine', { repository: 'nginx', tag: '1.27-alpine' }],
  ['docker.io/library/busybox:1.28', { repository: 'busybox', tag: '1.28' }],
  ['bitnami/redis:7.2', { registry: 'docker.io', repository: 'bitnami/redis', base: 'redis', tag: '7.2' }],
  ['registry.k8s.io/coredns/coredns:v1.11.3', { registry: 'registry.k8s.io', base: 'coredns', tag: 'v1.11.3' }],
  ['localhost:5000/my/app', { registry: 'localhost:5000', repository: 'my/app', tag: 'latest' }],
  ['ghcr.io/sluice-project/sluice:0.1.0@sha256:abc', { repository: 'sluice-project/sluice', tag: '0.1.0' }],
])('reads %s', (reference, expected) => {
  expect(parseImageName(reference)).toMatchObject(expected);
});
