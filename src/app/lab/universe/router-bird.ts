import { join } from 'node:path';
import { openBird } from '../../../host/bird/bird.ts';
import { PLACES } from './places.ts';
import { UNDERLAY } from './topology.ts';

/** AS number of the router: that of the nodes, which is the default of those that are given none. */
export const ROUTER_AS = 64_512;

/** The router hears of every node's pods, and tells nobody: among each other the nodes are a mesh. */
const CONFIG = `log stderr { warning, error, fatal, bug };
router id ${UNDERLAY.api.ipv4};
protocol device { }
protocol direct { ipv4; ipv6; interface "seg-*"; }
protocol kernel { learn; ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { learn; ipv6 { import none; export where source = RTS_BGP; }; }
protocol bgp {
  dynamic name "node";
  local ${UNDERLAY.api.ipv4} as ${ROUTER_AS};
  neighbor range 172.30.0.0/16 as ${ROUTER_AS};
  multihop;
  graceful restart on;
  ipv4 { import all; export none; gateway recursive; };
}
protocol bgp {
  dynamic name "node";
  local ${UNDERLAY.api.ipv6} as ${ROUTER_AS};
  neighbor range fd00:30::/32 as ${ROUTER_AS};
  multihop;
  graceful restart on;
  ipv6 { import all; export none; gateway recursive; };
}
`;

/** Starts the router's BIRD, in the network namespace of this process; it ends with the universe. */
export async function startRouterBird(): Promise<void> {
  await openBird({ folder: join(PLACES.run, 'router-bird') }).configure(CONFIG);
}
