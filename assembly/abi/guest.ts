/**
 * What the FVM's kernel (`fvm.wasm`) asks of its host beside `host.ts`: the memory of the guest whose syscall is being
 * served, and answers from the node. Twin of `src/core/fvm-abi.ts`; the conventions are those of `host.ts`.
 */

// ---- guest: the memory of the guest that runs now

/** Its bytes. */
// @ts-ignore: decorator
@external("guest", "size")
export declare function guestSize(): u32;

/** Copies bytes of the guest, which lie inside, to `to`. */
// @ts-ignore: decorator
@external("guest", "read")
export declare function guestRead(from: u32, to: usize, length: i32): void;

/** Copies bytes into the guest, where they fit. */
// @ts-ignore: decorator
@external("guest", "write")
export declare function guestWrite(to: u32, from: usize, length: i32): void;

// ---- chain

/** Writes the 32 bytes that the tickets of the chain give for an epoch, from which randomness is drawn; 0, or 1 if there are none. */
// @ts-ignore: decorator
@external("chain", "ticket_digest")
export declare function ticketDigest(epoch: i64, to: usize): i32;

/** As `ticketDigest`, of the beacon. */
// @ts-ignore: decorator
@external("chain", "beacon_digest")
export declare function beaconDigest(epoch: i64, to: usize): i32;

/** Writes the CID of the tipset at an epoch, at most 100 bytes; its length, or 0 if it is not known. */
// @ts-ignore: decorator
@external("chain", "tipset_cid")
export declare function tipsetCid(epoch: i64, to: usize): i32;

// ---- engine: verdicts

/** Verdict on a CBOR `AggregateSealVerifyProofAndInfos`: 1 valid, 0 not. */
// @ts-ignore: decorator
@external("engine", "verify_aggregate")
export declare function verifyAggregate(info: usize, length: i32): i32;

/** Verdict on a CBOR `ReplicaUpdateInfo`: 1 valid, 0 not. */
// @ts-ignore: decorator
@external("engine", "verify_update")
export declare function verifyUpdate(info: usize, length: i32): i32;

/**
 * Judges two block headers and a third: the kind of the fault (0 if there is none), or -1 if they cannot be judged. Of a fault
 * its epoch (i64) and the miner's actor id (u64) are written.
 */
// @ts-ignore: decorator
@external("engine", "consensus_fault")
export declare function consensusFault(
  first: usize,
  firstLength: i32,
  second: usize,
  secondLength: i32,
  extra: usize,
  extraLength: i32,
  to: usize,
): i32;
