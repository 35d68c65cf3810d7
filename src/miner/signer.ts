/**
 * Signatures of a local network's workers, two at a time where the process has a worker to spare: those of one miner do not wait for
 * those of another. The same bytes come of either thread. Keys cross to the worker, as copies that it clears when it has signed.
 */
import { poolAtHand } from "../exec/shared-pool.ts";
import { type KeyCrypto, type KeyInfo, signBytes } from "../keys/keys.ts";
import { SIGNATURE_TYPE, type Signature } from "../types/message.ts";

/** Every second one that is asked for at the same time is made in this thread. */
export async function signApart(crypto: KeyCrypto, key: KeyInfo, bytes: Uint8Array): Promise<Signature> {
  const there =
    key.type === "bls" ? (poolAtHand()?.sign({ secret: key.secret.slice(), message: bytes }) ?? null) : null;
  if (there === null) return signBytes(crypto, key, bytes);
  return there.then(
    (data) => ({ type: SIGNATURE_TYPE.bls, data }),
    // A worker that died has signed nothing.
    () => signBytes(crypto, key, bytes),
  );
}
