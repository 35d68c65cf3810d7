/**
 * Syscalls that every actor for tests asks for, and what it names blocks by. The compiled module imports those that it uses.
 */

// @ts-ignore: decorator
@external("vm", "message_context")
export declare function messageContext(to: usize): u32;
// @ts-ignore: decorator
@external("ipld", "block_create")
export declare function blockCreate(to: usize, codec: u64, at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("ipld", "block_read")
export declare function blockRead(to: usize, handle: u32, offset: u32, at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("ipld", "block_stat")
export declare function blockStat(to: usize, handle: u32): u32;
// @ts-ignore: decorator
@external("ipld", "block_open")
export declare function blockOpen(to: usize, cid: usize): u32;
// @ts-ignore: decorator
@external("ipld", "block_link")
export declare function blockLink(to: usize, handle: u32, hash: u64, size: u32, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("self", "root")
export declare function root(to: usize, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("self", "set_root")
export declare function setRoot(cid: usize): u32;

export const RAW: u64 = 0x55;
export const BLAKE2B_256: u64 = 0xb220;
