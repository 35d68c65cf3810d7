/**
 * Exit codes: what a receipt says. 0 to 15 belong to the system, 16 to 31 are common to actors, 32 and up an actor's own.
 * Source: go-state-types exitcode.
 */
export const OK: i32 = 0;
export const SYS_SENDER_INVALID: i32 = 1;
export const SYS_SENDER_STATE_INVALID: i32 = 2;
export const SYS_INVALID_METHOD: i32 = 3;
/** An actor trapped (network version 4 and up; 1 before). */
export const SYS_RESERVED_1: i32 = 4;
export const SYS_INVALID_RECEIVER: i32 = 5;
export const SYS_INSUFFICIENT_FUNDS: i32 = 6;
export const SYS_OUT_OF_GAS: i32 = 7;
export const SYS_FORBIDDEN: i32 = 8;
export const SYS_ILLEGAL_ACTOR: i32 = 9;
export const SYS_ILLEGAL_ARGUMENT: i32 = 10;

export const ERR_ILLEGAL_ARGUMENT: i32 = 16;
export const ERR_NOT_FOUND: i32 = 17;
export const ERR_FORBIDDEN: i32 = 18;
export const ERR_INSUFFICIENT_FUNDS: i32 = 19;
export const ERR_ILLEGAL_STATE: i32 = 20;
export const ERR_SERIALIZATION: i32 = 21;
