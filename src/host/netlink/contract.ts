import { release } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { Netlink, NetworkChange, NetworkEvent, Rule } from './port.ts';
import type { RareLink } from './rare-links.test-support.ts';

/** Two empty namespaces: `near`, and `far` at the path `farPath`, which the near one can put veth peers into. */
export interface TwoNamespaces extends Disposable {
  readonly near: Netlink;
  readonly far: Netlink;
  readonly farPath: string;
}

const cidr = (text: string): Cidr => parseCidr(text)!;
const ip = (text: string): Ip => parseIp(text)!;

/** What every {@link Netlink} does, run against the kernel and the fake. */
export function netlinkContract(
  name: string,
  create: () => TwoNamespaces,
  supports: (kind: RareLink) => boolean = () => true,
): void {
  const setUp = (): TwoNamespaces => {
    const network = create();
    onTestFinished(() => network[Symbol.dispose]());
    return network;
  };
  const codesOf = (netlink: Netlink, changes: readonly NetworkChange[]): unknown[] =>
    netlink.attempt(changes).map((failure) => (failure as { code?: string } | undefined)?.code);
  const routesOf = (netlink: Netlink, protocol = 80): string[] =>
    netlink
      .routes({ protocol })
      .map(({ destination, type, via, table }) =>
        [type === 'unicast' ? '' : type, formatCidr(destination), via && `via ${formatIp(via)}`, table !== 254 && table]
          .filter(Boolean)
          .join(' '),
      )
      .toSorted();

  /** A veth pair, up at both ends, 10.0.0.1/24 at the near one. */
  const wire = ({ near, far, farPath }: TwoNamespaces): void => {
    near.apply([
      { kind: 'add-link', link: { type: 'veth', name: 'slc1', up: true, peer: { name: 'eth0', netns: farPath } } },
      { kind: 'add-address', address: { link: 'slc1', address: cidr('10.0.0.1/24') } },
    ]);
    far.apply([{ kind: 'set-link', link: 'eth0', up: true }]);
  };

  describe(`${name}: links`, () => {
    it('creates a veth pair whose peer is born in another namespace', () => {
      const { near, far, farPath } = setUp();
      near.apply([
        {
          kind: 'add-link',
          link: {
            type: 'veth',
            name: 'slc1',
            mac: 'ee:ee:ee:ee:ee:ee',
            mtu: 1400,
            up: true,
            peer: { name: 'eth0', mac: '02:00:00:00:00:07', mtu: 1400, netns: farPath },
          },
        },
      ]);
      near.apply([{ kind: 'set-link', link: 'slc1', alias: 'default/web' }]);
      const mine = near.link('slc1');
      expect(mine).toMatchObject({ kind: 'veth', mac: 'ee:ee:ee:ee:ee:ee', mtu: 1400, up: true, alias: 'default/web' });
      expect(far.link('eth0')).toMatchObject({ kind: 'veth', mac: '02:00:00:00:00:07', mtu: 1400, up: false });
      expect(near.link('eth0')).toBeUndefined();
      expect(mine?.lower).toBe(far.link('eth0')?.index);
      expect(near.link(mine!.index)?.name).toBe('slc1');
    });

    it('creates a veth pair both ends of which take larger packets than usual, and says so of them alone', () => {
      const { near, far, farPath } = setUp();
      const large = { type: 'veth', name: 'slc1', packetSize: 150_000 } as const;
      near.apply([
        { kind: 'add-link', link: { ...large, peer: { name: 'eth0', packetSize: 150_000, netns: farPath } } },
        { kind: 'add-link', link: { type: 'veth', name: 'a', peer: { name: 'b' } } },
      ]);
      const [major = 0, minor = 0] = release().split('.').map(Number);
      // Kernels before 6.3 do not know of it and pass over it.
      const allowed = major > 6 || (major === 6 && minor >= 3) ? [150_000] : [150_000, undefined];
      expect(allowed).toContain(near.link('slc1')?.packetSize);
      expect(allowed).toContain(far.link('eth0')?.packetSize);
      expect(near.link('a')?.packetSize).toBeUndefined();
    });

    it('refuses a name that is taken at either end, and still makes the other changes', () => {
      const { near, far, farPath } = setUp();
      far.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'eth0' } }]);
      expect(
        codesOf(near, [
          { kind: 'add-link', link: { type: 'bridge', name: 'br0' } },
          { kind: 'add-link', link: { type: 'bridge', name: 'br0' } },
          { kind: 'add-link', link: { type: 'veth', name: 'slc1', peer: { name: 'eth0', netns: farPath } } },
          { kind: 'add-link', link: { type: 'bridge', name: 'br1' } },
        ]),
      ).toEqual([undefined, 'exists', 'exists', undefined]);
      expect(near.links({ kind: 'bridge' }).map((link) => link.name)).toEqual(['br0', 'br1']);
      expect(near.link('slc1')).toBeUndefined();
    });

    it('creates a macvlan device of a link in another namespace, and refuses one without its parent', () => {
      const { near, far, farPath } = setUp();
      near.apply([
        { kind: 'add-link', link: { type: 'bridge', name: 'master', mtu: 1400, up: true } },
        {
          kind: 'add-link',
          link: {
            type: 'macvlan',
            name: 'mvl0',
            parent: 'master',
            mode: 'vepa',
            netns: farPath,
            mac: '02:00:00:00:00:09',
          },
        },
      ]);
      expect(near.link('mvl0')).toBeUndefined();
      const lower = near.link('master')!.index;
      expect(far.link('mvl0')).toMatchObject({
        kind: 'macvlan',
        mac: '02:00:00:00:00:09',
        mtu: 1400,
        up: false,
        lower,
      });
      const wrong = { type: 'macvlan', name: 'mvl1', mode: 'bridge' } as const;
      expect(
        codesOf(near, [
          { kind: 'add-link', link: { ...wrong, parent: 'none', netns: farPath } },
          { kind: 'add-link', link: { ...wrong, parent: 'master', netns: '/nowhere' } },
          { kind: 'add-link', link: { ...wrong, name: 'mvl0', parent: 'master', mode: 'private', netns: farPath } },
        ]),
      ).toEqual(['not-found', 'not-found', 'exists']);
    });

    it('says not-found for links and namespaces that are missing', () => {
      const { near } = setUp();
      expect(
        codesOf(near, [
          { kind: 'delete-link', link: 'none' },
          { kind: 'set-link', link: 4711, up: true },
          { kind: 'add-address', address: { link: 'none', address: cidr('10.0.0.1/24') } },
          { kind: 'add-link', link: { type: 'veth', name: 'slc1', peer: { name: 'eth0', netns: '/nowhere' } } },
        ]),
      ).toEqual(['not-found', 'not-found', 'not-found', 'not-found']);
    });

    it('deletes both ends of a pair with every address, route and neighbour on them', () => {
      const network = setUp();
      const { near, far } = network;
      wire(network);
      near.apply([
        { kind: 'add-route', route: { destination: cidr('10.9.0.5/32'), link: 'slc1', protocol: 80 } },
        { kind: 'replace-neighbour', neighbour: { link: 'slc1', ip: ip('10.9.0.5'), mac: '02:00:00:00:00:05' } },
      ]);
      near.apply([{ kind: 'delete-link', link: 'slc1' }]);
      expect(far.link('eth0')).toBeUndefined();
      expect(near.addresses({ family: 4 }).filter(({ address }) => formatCidr(address) === '10.0.0.1/24')).toEqual([]);
      expect(routesOf(near)).toEqual([]);
      expect(near.neighbours().filter((entry) => formatIp(entry.ip) === '10.9.0.5')).toEqual([]);
    });

    it('renames, changes and enslaves a link, and lets it go', () => {
      const { near } = setUp();
      near.apply([
        { kind: 'add-link', link: { type: 'bridge', name: 'br0' } },
        { kind: 'add-link', link: { type: 'veth', name: 'a', peer: { name: 'b' } } },
        { kind: 'set-link', link: 'a', name: 'port1', mtu: 1280, master: 'br0', mac: '02:00:00:00:00:aa' },
        { kind: 'set-link', link: 'port1', up: true },
      ]);
      const bridge = near.link('br0')!.index;
      expect(near.link('port1')).toMatchObject({ mtu: 1280, master: bridge, mac: '02:00:00:00:00:aa', up: true });
      near.apply([{ kind: 'set-link', link: 'port1', master: null, up: false }]);
      expect(near.link('port1')).toMatchObject({ up: false });
      expect(near.link('port1')?.master ?? 0).toBe(0);
      expect(codesOf(near, [{ kind: 'set-link', link: 'port1', name: 'br0' }])).toEqual(['exists']);
    });

    it('moves a link into another namespace, where it arrives down', () => {
      const { near, far, farPath } = setUp();
      near.apply([
        { kind: 'add-link', link: { type: 'veth', name: 'a', up: true, peer: { name: 'b' } } },
        { kind: 'set-link', link: 'b', netns: farPath },
      ]);
      expect(near.link('b')).toBeUndefined();
      expect(far.link('b')).toMatchObject({ kind: 'veth', up: false });
      near.apply([{ kind: 'delete-link', link: 'a' }]);
      expect(far.link('b')).toBeUndefined();
    });

    it('creates a VXLAN device with its settings', () => {
      const { near } = setUp();
      near.apply([
        { kind: 'add-link', link: { type: 'bridge', name: 'underlay', up: true } },
        {
          kind: 'add-link',
          link: {
            type: 'vxlan',
            name: 'vxlan.sluice',
            mac: '66:00:00:00:00:01',
            mtu: 1450,
            up: true,
            vxlan: { vni: 4096, port: 4789, local: ip('172.30.1.11'), device: 'underlay' },
          },
        },
      ]);
      const { vxlan } = near.link('vxlan.sluice')!;
      expect(vxlan).toMatchObject({ vni: 4096, port: 4789, local: ip('172.30.1.11') });
    });

    it.skipIf(!supports('ipip'))(
      'creates an IP-in-IP device with its settings, and sends through it by next hop',
      () => {
        const network = setUp();
        const { near } = network;
        wire(network);
        near.apply([
          {
            kind: 'add-link',
            link: { type: 'ipip', name: 'ipip.sluice', mtu: 1480, up: true, ipip: { local: ip('10.0.0.1') } },
          },
          {
            kind: 'add-route',
            route: {
              destination: cidr('10.9.0.0/26'),
              via: ip('10.0.0.2'),
              link: 'ipip.sluice',
              onlink: true,
              protocol: 80,
            },
          },
        ]);
        expect(near.link('ipip.sluice')).toMatchObject({
          kind: 'ipip',
          mtu: 1480,
          up: true,
          ipip: { local: ip('10.0.0.1') },
          vxlan: undefined,
        });
        // The kernel's own, which comes with the first.
        expect(near.links({ kind: 'ipip' }).map((link) => link.name)).toEqual(
          expect.arrayContaining(['ipip.sluice', 'tunl0']),
        );
        expect(near.routeTo(ip('10.9.0.1'))).toMatchObject({ link: near.link('ipip.sluice')!.index });
        expect(codesOf(near, [{ kind: 'add-link', link: { type: 'ipip', name: 'second', ipip: {} } }])).toEqual([
          'exists',
        ]);
      },
    );

    it.skipIf(!supports('wireguard'))('creates a WireGuard device, which has no hardware address', () => {
      const { near } = setUp();
      near.apply([{ kind: 'add-link', link: { type: 'wireguard', name: 'wg.sluice', mtu: 1440, up: true } }]);
      expect(near.link('wg.sluice')).toMatchObject({ kind: 'wireguard', mtu: 1440, up: true });
    });
  });

  describe(`${name}: addresses`, () => {
    it.each(['10.1.0.1/24', 'fd00::1/64'])('adds %s once, replaces it at will, deletes it once', (text) => {
      const network = setUp();
      const { near } = network;
      wire(network);
      const address = { link: 'slc1', address: cidr(text) };
      const listed = (): string[] => near.addresses({ link: 'slc1' }).map((entry) => formatCidr(entry.address));
      expect(
        codesOf(near, [
          { kind: 'add-address', address },
          { kind: 'add-address', address },
          { kind: 'replace-address', address },
        ]),
      ).toEqual([undefined, 'exists', undefined]);
      expect(listed()).toContain(text);
      expect(
        codesOf(near, [
          { kind: 'delete-address', address },
          { kind: 'delete-address', address },
        ]),
      ).toEqual([undefined, 'not-found']);
      expect(listed()).not.toContain(text);
    });

    it('reaches the network of an address as long as the link is up', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      expect(near.routeTo(ip('10.0.0.9'))?.link).toBe(near.link('slc1')?.index);
      near.apply([{ kind: 'set-link', link: 'slc1', up: false }]);
      expect(near.routeTo(ip('10.0.0.9'))).toBeUndefined();
    });
  });

  describe(`${name}: routes`, () => {
    it.each([
      ['IPv4', '10.9.0.0/26'],
      ['IPv6', 'fd00:9::/122'],
    ])('adds an %s route once, replaces it, deletes it once', (_, text) => {
      const network = setUp();
      const { near } = network;
      wire(network);
      const route = { destination: cidr(text), link: 'slc1', protocol: 80 };
      expect(
        codesOf(near, [
          { kind: 'add-route', route },
          { kind: 'add-route', route },
        ]),
      ).toEqual([undefined, 'exists']);
      near.apply([{ kind: 'replace-route', route: { destination: cidr(text), type: 'blackhole', protocol: 80 } }]);
      expect(routesOf(near)).toEqual([`blackhole ${text}`]);
      const blackhole = { destination: cidr(text), type: 'blackhole', protocol: 80 } as const;
      expect(
        codesOf(near, [
          { kind: 'delete-route', route: blackhole },
          { kind: 'delete-route', route: blackhole },
        ]),
      ).toEqual([undefined, 'not-found']);
      expect(routesOf(near)).toEqual([]);
    });

    it('keeps tables and protocols apart', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      const destination = cidr('0.0.0.0/0');
      near.apply([
        { kind: 'add-route', route: { destination, via: ip('10.0.0.2'), protocol: 80 } },
        { kind: 'add-route', route: { destination, via: ip('10.0.0.3'), protocol: 80, table: 1000 } },
        { kind: 'add-route', route: { destination: cidr('10.7.0.0/16'), via: ip('10.0.0.3') } },
      ]);
      expect(routesOf(near)).toEqual(['0.0.0.0/0 via 10.0.0.2', '0.0.0.0/0 via 10.0.0.3 1000']);
      expect(near.routes({ table: 1000 }).map((route) => formatIp(route.via!))).toEqual(['10.0.0.3']);
      expect(near.routes({ table: 1001 })).toEqual([]);
      expect(routesOf(near, 3)).toEqual(['10.7.0.0/16 via 10.0.0.3']);
    });

    it('carries every attribute of a route', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      near.apply([
        {
          kind: 'replace-route',
          route: {
            destination: cidr('10.244.1.0/26'),
            via: ip('10.244.1.0'),
            link: 'slc1',
            onlink: true,
            source: ip('10.0.0.1'),
            mtu: 1300,
            metric: 20,
            protocol: 80,
          },
        },
      ]);
      expect(near.routes({ protocol: 80 })).toEqual([
        {
          destination: cidr('10.244.1.0/26'),
          type: 'unicast',
          via: ip('10.244.1.0'),
          link: near.link('slc1')!.index,
          onlink: true,
          source: ip('10.0.0.1'),
          mtu: 1300,
          metric: 20,
          protocol: 80,
          table: 254,
          scope: 'global',
        },
      ]);
    });

    it('refuses a gateway that no link reaches, a link that is down and a prefix with host bits', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      near.apply([{ kind: 'add-link', link: { type: 'bridge', name: 'down0' } }]);
      expect(
        codesOf(near, [
          { kind: 'add-route', route: { destination: cidr('10.9.0.0/24'), via: ip('192.0.2.1') } },
          { kind: 'add-route', route: { destination: cidr('10.9.0.0/24'), link: 'down0' } },
          { kind: 'add-route', route: { destination: cidr('10.9.0.5/24'), link: 'slc1' } },
          { kind: 'add-route', route: { destination: cidr('10.9.0.0/24'), link: 'none' } },
          { kind: 'delete-route', route: { destination: cidr('10.99.0.0/24') } },
        ]),
      ).toEqual(['unreachable', 'unreachable', 'invalid', 'not-found', 'not-found']);
    });

    it('looks up where a packet would go, by mark too', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      near.apply([
        { kind: 'add-route', route: { destination: cidr('10.9.0.0/16'), via: ip('10.0.0.2') } },
        { kind: 'add-route', route: { destination: cidr('10.9.1.0/24'), type: 'blackhole' } },
        { kind: 'add-route', route: { destination: cidr('0.0.0.0/0'), via: ip('10.0.0.3'), table: 1000 } },
        { kind: 'add-rule', rule: { family: 4, priority: 500, table: 1000, mark: { value: 0x100, mask: 0xff00 } } },
      ]);
      expect(near.routeTo(ip('10.9.2.2'))?.via).toEqual(ip('10.0.0.2'));
      expect(near.routeTo(ip('10.9.1.1'))).toBeUndefined();
      expect(near.routeTo(ip('8.8.8.8'))).toBeUndefined();
      expect(near.routeTo(ip('8.8.8.8'), { mark: 0x100 })?.via).toEqual(ip('10.0.0.3'));
    });

    it('looks up by source too, and goes on behind a route that ends the search in its table', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      near.apply([
        { kind: 'add-address', address: { link: 'slc1', address: cidr('10.7.0.1/32') } },
        { kind: 'add-route', route: { destination: cidr('10.9.0.0/16'), via: ip('10.0.0.2') } },
        { kind: 'add-route', route: { destination: cidr('10.9.0.0/16'), via: ip('10.0.0.3'), table: 1000 } },
        { kind: 'add-route', route: { destination: cidr('10.9.1.0/24'), type: 'throw', table: 1000 } },
        { kind: 'add-rule', rule: { family: 4, priority: 500, table: 1000, from: cidr('10.7.0.0/16') } },
      ]);
      const source = ip('10.7.0.1');
      expect(near.routeTo(ip('10.9.2.2'))?.via).toEqual(ip('10.0.0.2'));
      expect(near.routeTo(ip('10.9.2.2'), { source })?.via).toEqual(ip('10.0.0.3'));
      expect(near.routeTo(ip('10.9.1.1'), { source })?.via).toEqual(ip('10.0.0.2'));
    });

    it('applies more changes than one send takes, in order', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      const changes = Array.from({ length: 1000 }, (_, n): NetworkChange => ({
        kind: 'add-route',
        route: { destination: cidr(`10.8.${n >> 8}.${n & 255}/32`), link: 'slc1', protocol: 80 },
      }));
      expect(
        near
          .attempt([...changes, changes[500]!])
          .map((failure) => failure !== undefined)
          .indexOf(true),
      ).toBe(1000);
      expect(near.routes({ protocol: 80 })).toHaveLength(1000);
    });
  });

  describe(`${name}: neighbours, forwarding entries and rules`, () => {
    it('replaces and deletes permanent neighbours of both families', () => {
      const network = setUp();
      const { near } = network;
      wire(network);
      const entries = ['169.254.1.1', 'fe80::ecee:eeff:feee:1'].map((text) => ({
        link: 'slc1',
        ip: ip(text),
        mac: 'ee:ee:ee:ee:ee:ee',
      }));
      const permanent = (): string[] =>
        near
          .neighbours({ link: 'slc1' })
          .filter(({ state }) => state === 'permanent')
          .map((entry) => `${formatIp(entry.ip)} ${entry.mac}`)
          .toSorted();
      near.apply(
        entries.map((neighbour) => ({
          kind: 'replace-neighbour',
          neighbour: { ...neighbour, mac: '02:00:00:00:00:01' },
        })),
      );
      near.apply(entries.map((neighbour) => ({ kind: 'replace-neighbour', neighbour })));
      expect(permanent()).toEqual(['169.254.1.1 ee:ee:ee:ee:ee:ee', 'fe80::ecee:eeff:feee:1 ee:ee:ee:ee:ee:ee']);
      near.apply(entries.map((neighbour) => ({ kind: 'delete-neighbour', neighbour })));
      expect(permanent()).toEqual([]);
    });

    it('keeps one remote per address on a VXLAN device, and as many as are appended for flooding', () => {
      const { near } = setUp();
      near.apply([
        {
          kind: 'add-link',
          link: { type: 'vxlan', name: 'vx', up: true, vxlan: { vni: 7, port: 4789, local: ip('10.0.0.1') } },
        },
      ]);
      const entry = (mac: string, remote: string) => ({ link: 'vx', mac, remote: ip(remote) });
      const peer = '66:00:00:00:00:02';
      const all = '00:00:00:00:00:00';
      near.apply([
        { kind: 'replace-fdb', entry: entry(peer, '10.0.0.2') },
        { kind: 'replace-fdb', entry: entry(peer, '10.0.0.3') },
        { kind: 'append-fdb', entry: entry(all, '10.0.0.2') },
        { kind: 'append-fdb', entry: entry(all, '10.0.0.3') },
      ]);
      const listed = (): string[] => near.fdb({ link: 'vx' }).map(({ mac, remote }) => `${mac} ${formatIp(remote)}`);
      expect(listed().toSorted()).toEqual([`${all} 10.0.0.2`, `${all} 10.0.0.3`, `${peer} 10.0.0.3`]);
      expect(
        codesOf(near, [
          { kind: 'delete-fdb', entry: entry(peer, '10.0.0.3') },
          { kind: 'delete-fdb', entry: entry(peer, '10.0.0.3') },
        ]),
      ).toEqual([undefined, 'not-found']);
    });

    it.each([4, 6] as const)('leads IPv%i packets past rules, and reads such rules as they were made', (family) => {
      const { near } = setUp();
      const end: Rule = { family, priority: 801, table: 0, action: 'nop', protocol: 80 };
      const past: Rule = {
        family,
        priority: 799,
        table: 0,
        action: { goto: 801 },
        mark: { value: 0, mask: 0xff00 },
        protocol: 80,
      };
      near.apply([
        { kind: 'add-rule', rule: end },
        { kind: 'add-rule', rule: past },
      ]);
      expect([...near.rules({ protocol: 80 })].sort((a, b) => a.priority - b.priority)).toEqual([past, end]);
      near.apply([
        { kind: 'delete-rule', rule: past },
        { kind: 'delete-rule', rule: end },
      ]);
      expect(near.rules({ protocol: 80 })).toEqual([]);
    });

    it.each([4, 6] as const)('adds and deletes an IPv%i rule once', (family) => {
      const { near } = setUp();
      const rule = { family, priority: 500, table: 1000, mark: { value: 0x300, mask: 0xff00 }, protocol: 80 };
      expect(
        codesOf(near, [
          { kind: 'add-rule', rule },
          { kind: 'add-rule', rule },
        ]),
      ).toEqual([undefined, 'exists']);
      expect(near.rules({ protocol: 80 })).toEqual([rule]);
      expect(
        codesOf(near, [
          { kind: 'delete-rule', rule },
          { kind: 'delete-rule', rule },
        ]),
      ).toEqual([undefined, 'not-found']);
    });
  });

  describe(`${name}: watching`, () => {
    it('tells of changes made by another socket, and of nothing after it is disposed', async () => {
      const network = setUp();
      const { near } = network;
      const events: string[] = [];
      const seen = Promise.withResolvers<void>();
      const listener = (event: NetworkEvent): void => {
        events.push(`${event.kind} ${'gone' in event && event.gone ? 'gone' : 'new'}`);
        if (event.kind === 'route' && event.gone && formatCidr(event.route.destination) === '10.9.0.0/24')
          seen.resolve();
      };
      const watch = near.watch(['link', 'address', 'route'], listener);
      wire(network);
      const route = { destination: cidr('10.9.0.0/24'), link: 'slc1', protocol: 80 };
      near.apply([
        { kind: 'add-route', route },
        { kind: 'delete-route', route },
      ]);
      await seen.promise;
      expect(events).toEqual(expect.arrayContaining(['link new', 'address new', 'route new', 'route gone']));
      watch[Symbol.dispose]();
      const count = events.length;
      near.apply([{ kind: 'add-route', route }]);
      await new Promise((resolve) => setImmediate(resolve));
      expect(events).toHaveLength(count);
    });
  });
}
