/** Exports for tests only: pieces of the core that no product module exposes by themselves. */
import { bytesAt } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Message } from "../types/chain.gen";

export function probeMessage(at: usize, length: i32): i32 {
  const r = new CborReader(bytesAt(at, length));
  const message = new Message();
  message.read(r);
  r.finish();
  const w = new CborWriter();
  message.write(w);
  return r.fault;
}

export { probeAnswer, probeArguments, probeMath } from "./probe-actors";
export { probeIpldNode, probeIpldRun, probeIpldTrace, probeIpldTraceLength } from "./probe-ipld";
export {
  probeBig,
  probeBitField,
  probeCidOf,
  probeParseAddress,
  probeParseCid,
  probeRead,
  probeScratch,
  PROBE_SCRATCH_BYTES,
} from "./probe-base";
