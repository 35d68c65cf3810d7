/**
 * What the core asks of its host: the whole list of imports. Twin of `src/core/abi.ts`; a test compares both with the
 * compiled module.
 *
 * Conventions of the ABI:
 *
 * 1. Bytes cross as (address, length), both 32 bits. Structured things are DAG-CBOR, scalars themselves. Epochs, method
 *    numbers and tags are 64 bits wide.
 * 2. The host writes arguments into memory that it asked for with `alloc`. A call that answers with bytes returns their
 *    length; they lie at `resultPtr()` until the next call and the host copies them at once.
 * 3. An export returns i32: 0 or more is a length or a plain answer, below 0 is a code of `NOT_FOUND` and its kin.
 *    Exit codes do not travel here, they are inside receipts; the one exception is the answer of `callActor`.
 * 4. An import answers at once or throws. What it throws unwinds the core: the run is void and the instance is used up.
 *    A missing block is such a fault; the host fetches the block and runs again from the same root.
 * 5. Nothing re-enters the core except `callActor`, which calls the export `runActor` and turns what `exitActor` threw
 *    into an exit code.
 */

// ---- chain: blocks and randomness

/** Looks up a block and returns its length; the block stays at hand for `blockCopy`. A missing block throws. */
// @ts-ignore: decorator
@external("chain", "block_length")
export declare function blockLength(cid: usize, cidLength: i32): i32;

/** Copies the block found last to `to`. */
// @ts-ignore: decorator
@external("chain", "block_copy")
export declare function blockCopy(to: usize): void;

/** Takes a block. It belongs to the run: a void run leaves none behind. */
// @ts-ignore: decorator
@external("chain", "block_put")
export declare function blockPut(cid: usize, cidLength: i32, block: usize, length: i32): void;

/** Writes 32 bytes of randomness from the tickets of the chain at `epoch`. */
// @ts-ignore: decorator
@external("chain", "ticket_randomness")
export declare function ticketRandomness(tag: i64, epoch: i64, entropy: usize, entropyLength: i32, to: usize): void;

/** Writes 32 bytes of randomness from the beacon entry of `epoch`. */
// @ts-ignore: decorator
@external("chain", "beacon_randomness")
export declare function beaconRandomness(tag: i64, epoch: i64, entropy: usize, entropyLength: i32, to: usize): void;

// ---- engine: control flow and verdicts

/** Calls `runActor(frame)` and returns 0, or the exit code if the call ended in `exitActor`. */
// @ts-ignore: decorator
@external("engine", "call_actor")
export declare function callActor(frame: i32): i32;

/** Ends the innermost `callActor` with an exit code. Never returns. */
// @ts-ignore: decorator
@external("engine", "exit_actor")
export declare function exitActor(code: i32): void;

/** The run cannot go on and leaves no receipt. Never returns. */
// @ts-ignore: decorator
@external("engine", "fault")
export declare function fault(why: usize, length: i32): void;

/** Verdict on a CBOR `WindowPoStVerifyInfo`: 1 valid, 0 not. */
// @ts-ignore: decorator
@external("engine", "verify_post")
export declare function verifyPost(info: usize, length: i32): i32;

/** Verdict on a CBOR `SealVerifyInfo`: 1 valid, 0 not. */
// @ts-ignore: decorator
@external("engine", "verify_seal")
export declare function verifySeal(info: usize, length: i32): i32;
