/**
 * How what the kernel does may end. A function that can fail answers with one of these; 0 is success.
 *
 * 1 to 13 are error numbers that a syscall hands to its guest; the two above end the guest.
 * Source: ref-fvm shared/src/error (ErrorNumber), fvm/src/kernel/error.rs.
 */
export const DONE: i32 = 0;
export const ILLEGAL_ARGUMENT: i32 = 1;
export const ILLEGAL_OPERATION: i32 = 2;
export const LIMIT_EXCEEDED: i32 = 3;
export const ASSERTION_FAILED: i32 = 4;
export const INSUFFICIENT_FUNDS: i32 = 5;
export const NOT_FOUND: i32 = 6;
export const INVALID_HANDLE: i32 = 7;
export const ILLEGAL_CID: i32 = 8;
export const ILLEGAL_CODEC: i32 = 9;
export const SERIALIZATION: i32 = 10;
export const FORBIDDEN: i32 = 11;
export const BUFFER_TOO_SMALL: i32 = 12;
export const READ_ONLY: i32 = 13;
/** The message has no gas left. */
export const OUT_OF_GAS: i32 = 100;
/** The machine itself is at fault: the message fails with exit code 10 and uses its whole limit. */
export const FATAL: i32 = 101;
/** The guest left by `vm.exit` or `vm.abort`. */
export const EXITED: i32 = 102;

// Exit codes that only the FVM knows; the others: `types/exit-code`.
export const SYS_ILLEGAL_INSTRUCTION: i32 = 4;
export const SYS_ILLEGAL_EXIT_CODE: i32 = 9;
export const SYS_ASSERTION_FAILED: i32 = 10;
export const SYS_MISSING_RETURN: i32 = 11;
/** Exit codes from here on belong to actors. */
export const FIRST_USER_EXIT: u32 = 16;
