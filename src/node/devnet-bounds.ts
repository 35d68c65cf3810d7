/** What the numbers that a local network can be asked for may be. Apart from what checks them: every command reads these, few open a network. */
import type { Bounds } from "../base/options.ts";

export const DEVNET_BOUNDS = {
  accounts: [1, 100],
  miners: [0, 16],
  /** of a network of several */
  nodes: [1, 32],
  /** of each miner */
  sectors: [1, 256],
  /** of all miners, where they are of 8 MiB: each takes 10 MB of disk and the better part of a minute */
  largeSectors: [1, 64],
  /** epoch at which sectors of the genesis expire: 180 days after their latest activation, 540 after the genesis */
  expiration: [521_430, 1_555_200],
  /** seconds; 0: instant mode */
  blockTime: [0, 3600],
  /** Unix time of a block: 32 bits */
  genesisTime: [0, 4_294_967_295],
  /** epochs: a finality (900) and some more */
  retention: [1000, 1_000_000_000],
  /** the first of the FVM's, and the last */
  networkVersion: [16, 28],
} as const satisfies Record<string, Bounds>;
