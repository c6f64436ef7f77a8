import type { FlannelSubnetFile } from './flannel-subnet-file.ts';
import type { FlannelWireguard } from './flannel-wireguard.ts';

/** What a node of a flannel network has, wherever its leases are. */
export interface FlannelParts {
  readonly file: FlannelSubnetFile;
  /** Absent where WireGuard does not carry the network. */
  readonly wireguard: FlannelWireguard | undefined;
}
