/** A call under way, as the host re-enters it: made by the machine, run through `call_actor`. */
import { Runtime } from "../runtime/runtime";

export abstract class Frame extends Runtime {
  /** Runs the method that this frame was made for; an abort unwinds out of it. */
  abstract run(): void;
}
