import { expect, it } from 'vitest';
import { ingressOptions, withFamilies } from './options.ts';

it('listens everywhere, but for what the kernel has not got', () => {
  const options = ingressOptions({});
  expect(withFamilies(options, true).listen).toEqual(['0.0.0.0', '::']);
  expect(withFamilies(options, false).listen).toEqual(['0.0.0.0']);
});

it('names every setting that is wrong in one message', () => {
  const env = { SLUICE_INGRESS_HTTP_PORT: '99999', SLUICE_INGRESS_SSL_REDIRECT: 'no' };
  expect(() => ingressOptions(env)).toThrow(/HTTP_PORT is '99999'.*SSL_REDIRECT is 'no', must be true or false/);
});
