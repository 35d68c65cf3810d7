/**
 * BLS signatures that are asked for side by side, verified together: a block's election proof, ticket and signature are
 * under one key, and cost two thirds of what they cost one by one. If a batch fails each is verified alone, so that every
 * answer is that of its own signature.
 */
import type { VerifyBls } from "./election-checks.ts";

export type SignedBytes = {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
};

export type BatchParts = {
  /** Whether all are right. */
  readonly all: (signed: readonly SignedBytes[]) => Promise<boolean> | boolean;
  readonly one: VerifyBls;
};

/** Signatures of one batch: what a tipset of many blocks asks for. */
const MOST = 64;

type Asked = {
  readonly signed: SignedBytes;
  settle(answer: boolean | Promise<boolean>): void;
  fail(why: unknown): void;
};

/** A verifier that waits until everything that is asked for in the same turn is known. */
export function batched({ all, one }: BatchParts): VerifyBls {
  let asked: Asked[] = [];
  const flush = async (group: readonly Asked[]): Promise<void> => {
    try {
      const good = group.length > 1 && (await all(group.map(({ signed }) => signed)));
      for (const { signed, settle } of group)
        settle(good || Promise.resolve(one(signed.publicKey, signed.message, signed.signature)));
    } catch (error) {
      for (const { fail } of group) fail(error);
    }
  };
  return (publicKey, message, signature) =>
    new Promise<boolean>((resolve, reject) => {
      asked.push({ signed: { publicKey, message, signature }, settle: resolve, fail: reject });
      const next = (): void => {
        const group = asked;
        asked = [];
        void flush(group);
      };
      if (asked.length === MOST) next();
      else if (asked.length === 1)
        queueMicrotask(() => {
          if (asked.length > 0) next();
        });
    });
}
