/** Selection over 7,688 real messages fills blocks as the reference's does; skipped where the vectors are not at hand. */
import { expect, test } from "vitest";
import { fromUtf8 } from "../../src/base/bytes.ts";
import { gunzip } from "../../src/conformance/inflate.ts";
import type { Candidate } from "../../src/mpool/message-chain.ts";
import { selectMessages } from "../../src/mpool/selection.ts";
import { CHAIN_LIMITS } from "../../src/params/networks.ts";
import { FIL } from "../../src/types/amount.ts";
import { messageFromJson, SIGNATURE_TYPE, type SignedMessage } from "../../src/types/message.ts";
import { readShared } from "../support/vectors.ts";

const FILE = "vectors/chain/mpool/test-messages.json.gz";
const packed = await readShared(FILE);
if (packed === null) console.warn(`skipped: no ${FILE}; set FILIGREE_VECTORS to the folder that has it`);

/** Senders with their messages, nonces moved to begin at 0, each with 1,000,000 FIL. */
async function candidates(): Promise<Candidate[]> {
  const bytes = (packed as Uint8Array).slice();
  // A server of tests may have unpacked it on the way.
  const text = fromUtf8(bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzip(bytes, 16 << 20) : bytes);
  const list = JSON.parse(`[${text.trim().replace(/\}\s*\n\{/g, "},{")}]`) as { Message: unknown }[];
  expect(list.length).toBe(7688);
  const bySender = new Map<string, SignedMessage[]>();
  for (const { Message } of list) {
    const message = messageFromJson(Message);
    const signature = { type: SIGNATURE_TYPE.secp256k1, data: new Uint8Array(65) };
    const name = `${message.from}`;
    bySender.set(name, [...(bySender.get(name) ?? []), { message, signature }]);
  }
  return [...bySender].map(([sender, messages]) => {
    const least = messages.map(({ message }) => message.nonce).reduce((a, b) => (a < b ? a : b));
    const moved = messages
      .map(({ message, signature }) => ({ message: { ...message, nonce: message.nonce - least }, signature }))
      .sort((a, b) => Number(a.message.nonce - b.message.nonce));
    return { sender, nonce: 0n, balance: 1_000_000n * FIL, messages: moved };
  });
}

test.skipIf(packed === null)(
  "real messages: at least 90 % of a block's gas at every quality of the ticket",
  async () => {
    const all = await candidates();
    for (const ticketQuality of [1, 0.8, 0.4, 0.1, 0.01]) {
      const started = performance.now();
      const chosen = selectMessages({ candidates: all, baseFee: 800_000_000n, ticketQuality, minGas: () => 0n });
      const gas = chosen.reduce((sum, { message }) => sum + message.gasLimit, 0n);
      console.info(
        `quality ${ticketQuality}: ${chosen.length} messages, ${gas} gas, ${(performance.now() - started).toFixed(0)} ms`,
      );
      expect(gas).toBeGreaterThanOrEqual((CHAIN_LIMITS.blockGasLimit * 9n) / 10n);
      expect(gas).toBeLessThanOrEqual(CHAIN_LIMITS.blockGasLimit);
      const next = new Map(all.map(({ sender }) => [sender, 0n]));
      for (const { message } of chosen) {
        expect(message.nonce).toBe(next.get(`${message.from}`));
        next.set(`${message.from}`, message.nonce + 1n);
      }
    }
  },
);
