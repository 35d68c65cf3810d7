/** A file as the values of a subscription. */
import { concat } from "../base/bytes.ts";
import { RPC_CODE, RpcError } from "./errors.ts";
import { breathe } from "./limits.ts";
import type { Subscribe } from "./method.ts";
import type { Session } from "./session.ts";

/** Bytes of one piece, and of what may wait to be read before the next is made. */
const PIECE = 256 << 10;
const AHEAD = 2 << 20;

/** Sends a file in pieces, no faster than the client reads, then an empty piece; without that one it was cut short. */
export function inPieces(session: Session, parts: AsyncIterable<Uint8Array>): Subscribe<Uint8Array> {
  return (emit, end) => {
    const abort = new AbortController();
    const run = async (): Promise<void> => {
      let held: Uint8Array[] = [];
      let size = 0;
      const flush = (): void => {
        emit(concat(...held));
        held = [];
        size = 0;
      };
      for await (const part of parts) {
        held.push(part);
        size += part.length;
        if (size < PIECE) continue;
        flush();
        do await breathe(abort.signal);
        while (session.backlog() > AHEAD);
      }
      if (size > 0) flush();
      emit(new Uint8Array(0));
    };
    run()
      .catch(() => undefined)
      .finally(end);
    return () => abort.abort(new RpcError(RPC_CODE.untyped, "the export was cancelled"));
  };
}
