import type { Way } from '../../core/ingress/index.ts';

/** What the proxy does to requests before a server gets them, as far as it decides who is answered. */
export function conditionsOf({ settings, canary, external }: Way): string[] {
  const { toHttps, redirect, location, allow, deny, auth, rate } = settings;
  return [
    ...(canary ? ['a canary: only what its annotations choose comes here'] : []),
    ...(toHttps === true ? ['without TLS the proxy answers 308, to the same address with https'] : []),
    ...(redirect === undefined ? [] : [`the proxy answers ${redirect.code}, to ${redirect.location}; no pod is asked`]),
    ...(location === undefined ? [] : [`the proxy answers ${location.code}; no pod is asked`]),
    ...(allow === undefined ? [] : [`the proxy lets in ${allow.join(', ')} only (whitelist-source-range)`]),
    ...(deny === undefined ? [] : [`the proxy lets nobody in of ${deny.join(', ')} (denylist-source-range)`]),
    ...(auth === undefined ? [] : ['the proxy asks for a password (auth-secret)']),
    ...(external === undefined
      ? []
      : [`the proxy looks ${external} up and asks the servers there, as itself; no pod is asked`]),
    ...(rate === undefined
      ? []
      : [`the proxy answers 429 to more than ${rate.requests} requests in ${rate.seconds} s of one client`]),
  ];
}

/** `shop/service/front port http`. */
export function targetText({ target }: Way): string {
  return `${target.service.replace('/', '/service/')} port ${target.port}`;
}
