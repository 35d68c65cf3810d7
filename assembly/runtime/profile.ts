/**
 * Parameters that differ between networks running the same actors. One profile is in force in an instance of the
 * engine; the machine selects it before the first message.
 *
 * | parameter               | mainnet        | devnet     | source                                                    |
 * |-------------------------|----------------|------------|-----------------------------------------------------------|
 * | seal proofs             | 32 GiB, 64 GiB | 2 KiB      | lotus v1.0.0 build/params_mainnet.go, params_2k.go        |
 * | pre-commit challenge    | 150 epochs     | 10 epochs  | specs-actors miner/policy.go; v1.10.0 build/params_2k.go  |
 * | consensus minimum power | 10 TiB         | 2048 bytes | params_mainnet.go (since v0.5.0), params_2k.go            |
 * | smallest verified deal  | 1 MiB          | 256 bytes  | specs-actors verifreg; params_2k.go                       |
 *
 * The minimum power of the actors themselves (1 TiB in v0, a table by proof type in v2) holds on no network: Lotus sets
 * one figure for all generations and proof types.
 */

@final
export class NetworkProfile {
  constructor(
    /** Bit n is set if registered seal proof n is accepted. */
    readonly sealProofs: u32,
    /** Epochs. */
    readonly preCommitChallengeDelay: i64,
    /** Bytes: power that a miner needs to count for consensus. */
    readonly consensusMinerMinPower: u64,
    /** Bytes. */
    readonly minVerifiedDealSize: u64,
  ) {}
}

export const MAINNET: NetworkProfile = new NetworkProfile((1 << 3) | (1 << 4), 150, 10 << 40, 1 << 20);
export const DEVNET: NetworkProfile = new NetworkProfile(1 << 0, 10, 2048, 256);

/** The profile in force. */
export let NETWORK: NetworkProfile = MAINNET;

export function selectNetwork(profile: NetworkProfile): void {
  NETWORK = profile;
}
