import { decode, encode, TRUNCATED_RESPONSE } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { respond } from './respond.ts';
import type { DnsView } from './zone.ts';

const many = Array.from({ length: 60 }, (_, index) => ({ address: `10.244.0.${index + 1}`, ports: [] }));
const view: DnsView = {
  domain: 'cluster.local',
  outside: {},
  service: (_namespace, name) =>
    name === 'big' ? { namespace: 'ns', name, kind: 'headless', addresses: [], ports: [] } : undefined,
  endpoints: () => many,
  hasNamespace: () => true,
  serviceAt: () => undefined,
  endpointAt: () => undefined,
};

const ask = (name: string, transport: 'udp' | 'tcp', udpPayloadSize?: number): ReturnType<typeof decode> => {
  const additionals =
    udpPayloadSize === undefined ? [] : [{ type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [] }];
  const query = encode({
    type: 'query',
    id: 77,
    flags: 0x100,
    questions: [{ type: 'A', name, class: 'IN' }],
    additionals: additionals as never,
  });
  const response = respond(view, query, transport);
  if (response === undefined) throw new Error('no response');
  return decode(response);
};

describe('a DNS response', () => {
  it('echoes the id and the question and says that the name does not exist, with how long to believe it', () => {
    const response = ask('nope.ns.svc.cluster.local', 'udp') as ReturnType<typeof decode> & { rcode: string };
    expect(response).toMatchObject({ id: 77, rcode: 'NXDOMAIN', questions: [{ name: 'nope.ns.svc.cluster.local' }] });
    expect(response.authorities?.[0]).toMatchObject({ type: 'SOA', name: 'cluster.local' });
  });

  it('is cut for a client without EDNS, which then asks over TCP and gets everything', () => {
    const cut = ask('big.ns.svc.cluster.local', 'udp');
    expect((cut.flags ?? 0) & TRUNCATED_RESPONSE).not.toBe(0);
    expect(cut.answers).toEqual([]);
    expect(ask('big.ns.svc.cluster.local', 'tcp').answers).toHaveLength(60);
  });

  it('fits whole into what a client with EDNS announces', () => {
    expect(ask('big.ns.svc.cluster.local', 'udp', 4096).answers).toHaveLength(60);
  });

  it('is not given to what is no question', () => {
    expect(respond(view, Buffer.from('garbage'), 'udp')).toBeUndefined();
    expect(respond(view, encode({ type: 'response', id: 1 }), 'udp')).toBeUndefined();
  });
});
