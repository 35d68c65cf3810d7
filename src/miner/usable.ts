/**
 * Making a block of messages some of which may be of no use: a message that ends the execution of the whole block, which
 * none should, must not end the chain.
 */
import { describeError } from "../base/errors.ts";
import type { SignedMessage } from "../types/message.ts";

export type Attempts<Made> = {
  /** Makes the block with these messages; throws if it cannot be executed. */
  readonly attempt: (chosen: readonly SignedMessage[]) => Promise<Made>;
  /** Takes a message out of the pool. */
  readonly drop: (signed: SignedMessage, reason: string) => Promise<void>;
  /** Ends the attempts: what fails by it is no message's fault, and nothing is dropped. */
  readonly signal?: AbortSignal | undefined;
};

/** Messages that are looked for one by one; after so many the block is made without any. */
const MAX_DROPPED = 16;

/**
 * The block with as many of the messages as can be executed. A block that fails without any message fails for another
 * reason, which is thrown.
 */
export async function usable<Made>(chosen: readonly SignedMessage[], attempts: Attempts<Made>): Promise<Made> {
  let left = chosen;
  for (let dropped = 0; ; dropped++) {
    try {
      return await attempts.attempt(left);
    } catch (error) {
      if (left.length === 0) throw error;
      const empty = await attempts.attempt([]).catch(() => {
        throw error;
      });
      if (dropped === MAX_DROPPED) return empty;
      const bad = left[await firstFailing(left, attempts.attempt)] as SignedMessage;
      attempts.signal?.throwIfAborted();
      await attempts.drop(bad, `a block with it cannot be executed: ${describeError(error)}`);
      const { from, nonce } = bad.message;
      left = left.filter(({ message }) => !(message.from.equals(from) && message.nonce >= nonce));
    }
  }
}

/** Index of the last message of the shortest run from the first on that fails. All together fail, none at all does not. */
async function firstFailing<Made>(
  messages: readonly SignedMessage[],
  attempt: Attempts<Made>["attempt"],
): Promise<number> {
  let good = 0;
  let bad = messages.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const fails = await attempt(messages.slice(0, middle)).then(
      () => false,
      () => true,
    );
    if (fails) bad = middle;
    else good = middle;
  }
  return bad - 1;
}
