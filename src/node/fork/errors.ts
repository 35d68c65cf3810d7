/** What following another node's state can fail of. */
import { FilError } from "../../base/errors.ts";

export type ForkErrorData =
  /** The other node did not answer, and what is wanted is not kept here. */
  | { readonly code: "NOT_AT_HAND"; readonly wanted: string }
  /** The other node answered with an error, or with what is no answer. */
  | { readonly code: "BAD_ANSWER"; readonly method: string }
  /** The other node's state is more than is fetched at once. */
  | { readonly code: "TOO_LARGE"; readonly blocks: number; readonly bytes: number }
  /** The other node has not given all of its state in the time that it is given. */
  | { readonly code: "TOO_SLOW"; readonly seconds: number; readonly blocks: number }
  /** There is a network in the folder that is no fork. */
  | { readonly code: "NOT_EMPTY" }
  /** The other node's network is none of a seed: nobody here could make its blocks. */
  | { readonly code: "NOT_LOCAL"; readonly networkVersion: number }
  /** The network's actors are code that is not at hand. */
  | { readonly code: "CODE_NOT_AT_HAND"; readonly networkVersion: number };
export class ForkError extends FilError<ForkErrorData> {}
