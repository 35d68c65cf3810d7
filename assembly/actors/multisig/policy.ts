/** Constants of the multisig actor. Source: specs-actors builtin/multisig. */

/** Most signers of one wallet, from actors v2 on (v2.1.0 policy.go). */
export const MAX_SIGNERS: i32 = 256;

/** Network version from which LockBalance exists; before it aborts as an unknown method does. */
export const LOCK_BALANCE_SINCE_NETWORK_VERSION: i32 = 2;
