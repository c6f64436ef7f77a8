import { describe, expect, it } from 'vitest';
import { hasCode } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ipvs, IpvsDestination, IpvsServer } from './port.ts';

/** One IPVS, and a way to make a server in it as somebody else would. */
export interface IpvsPlace extends Disposable {
  readonly ipvs: Ipvs;
  readonly addForeign: (server: IpvsServer) => void;
}

const server = (address: string, more: Partial<IpvsServer> = {}): IpvsServer => ({
  address: parseIp(address)!,
  protocol: 'TCP',
  port: 80,
  scheduler: 'rr',
  ...more,
});
const destination = (address: string, weight = 1): IpvsDestination => ({
  address: parseIp(address)!,
  port: 8080,
  weight,
});

/** What every {@link Ipvs} does. */
export function ipvsContract(name: string, create: () => IpvsPlace): void {
  describe(name, () => {
    it.each(['rr', 'wrr', 'lc', 'sh', 'mh'])(
      'has servers of scheduler %s, of either family and every protocol',
      (scheduler) => {
        using place = create();
        const servers = (['10.96.0.1', 'fd00:96::1'] as const).flatMap((address) =>
          (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => server(address, { protocol, scheduler })),
        );
        for (const each of servers) place.ipvs.change({ kind: 'add-server', server: each });
        expect(new Set(place.ipvs.servers().map(text))).toEqual(new Set(servers.map(text)));
      },
    );

    it('changes a server and keeps its destinations', () => {
      using place = create();
      const { ipvs } = place;
      const changed = server('10.96.0.1', { scheduler: 'wrr', persistSeconds: 600 });
      ipvs.change({ kind: 'add-server', server: server('10.96.0.1') });
      ipvs.change({ kind: 'add-destination', server: changed, destination: destination('10.244.0.1') });
      ipvs.change({ kind: 'set-server', server: changed });
      expect(ipvs.servers()).toEqual([changed]);
      expect(ipvs.destinations(changed)).toEqual([{ ...destination('10.244.0.1'), connections: 0 }]);
      ipvs.change({ kind: 'delete-server', server: changed });
      expect(ipvs.servers()).toEqual([]);
    });

    it.each([
      ['10.96.0.1', ['10.244.0.1', '10.244.0.2']],
      ['fd00:96::1', ['fd00:244::1', 'fd00:244::2']],
    ] as const)('adds, changes and deletes destinations of %s', (address, [first, second]) => {
      using place = create();
      const { ipvs } = place;
      const at = server(address);
      ipvs.change({ kind: 'add-server', server: at });
      for (const each of [first, second])
        ipvs.change({ kind: 'add-destination', server: at, destination: destination(each) });
      ipvs.change({ kind: 'set-destination', server: at, destination: destination(first, 0) });
      ipvs.change({ kind: 'delete-destination', server: at, destination: destination(second) });
      expect(ipvs.destinations(at)).toEqual([{ ...destination(first, 0), connections: 0 }]);
    });

    it('never shows what somebody else made, nor makes it again', () => {
      using place = create();
      place.addForeign(server('10.96.0.9'));
      expect(place.ipvs.servers()).toEqual([]);
      expect(codeOf(() => place.ipvs.change({ kind: 'add-server', server: server('10.96.0.9') }))).toBe('exists');
    });

    it('says that there is no such scheduler, server or destination', () => {
      using place = create();
      const { ipvs } = place;
      const codes = [
        () => ipvs.change({ kind: 'add-server', server: server('10.96.0.1', { scheduler: 'none-such' }) }),
        () => ipvs.change({ kind: 'delete-server', server: server('10.96.0.1') }),
        () =>
          ipvs.change({ kind: 'add-destination', server: server('10.96.0.1'), destination: destination('10.244.0.1') }),
      ].map(codeOf);
      ipvs.change({ kind: 'add-server', server: server('10.96.0.1') });
      codes.push(
        codeOf(() =>
          ipvs.change({ kind: 'set-destination', server: server('10.96.0.1'), destination: destination('10.244.0.1') }),
        ),
      );
      expect(codes).toEqual(['not-found', 'not-found', 'not-found', 'not-found']);
    });
  });
}

function text({ address, ...rest }: IpvsServer): string {
  return `${formatIp(address)} ${rest.protocol} ${rest.port} ${rest.scheduler}`;
}

function codeOf(act: () => void): string {
  try {
    act();
    return '';
  } catch (error) {
    for (const code of ['exists', 'not-found']) if (hasCode(error, code)) return code;
    throw error;
  }
}
