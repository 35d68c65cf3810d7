/** Limits of blocks. Source: lotus build/buildconstants/params_shared_vals.go, chain/consensus/filcns/filecoin.go. */
export const BLOCK_LIMITS = {
  /** messages in a block */
  messages: 10_000,
  /** messages in one list: the encoder's limit of arrays */
  messagesInList: 8192,
  /** epochs below the head that are looked at, and that a fork may go back */
  finality: 900,
  /** epochs ahead of the clock that are looked at */
  heightDrift: 5,
  /** seconds that another clock may be ahead */
  clockDriftSeconds: 1,
  /** milliseconds since the head below which an unknown miner is an offence */
  nearSyncedMs: 6 * 3_600_000,
} as const;
