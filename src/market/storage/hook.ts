/** A provider's own check of offers, behind a URL: it is posted the offer and answers `{"accept":true}`, or why not. */
import { describeError } from "../../base/errors.ts";
import { labelText } from "./proposal.ts";
import type { Offer } from "./rules.ts";

const WAIT_MS = 10_000;
const MAX_ANSWER = 64 << 10;

/** Null if the offer is accepted, else why not; a check that cannot be asked accepts nothing. */
export async function askHook(url: string, { proposal, root, isOffline, size }: Offer): Promise<string | null> {
  const body = JSON.stringify({
    pieceCid: `${proposal.pieceCid}`,
    pieceSize: `${proposal.pieceSize}`,
    verified: proposal.verified,
    client: `${proposal.client}`,
    provider: `${proposal.provider}`,
    label: labelText(proposal.label),
    startEpoch: `${proposal.startEpoch}`,
    endEpoch: `${proposal.endEpoch}`,
    pricePerEpoch: `${proposal.pricePerEpoch}`,
    providerCollateral: `${proposal.providerCollateral}`,
    clientCollateral: `${proposal.clientCollateral}`,
    root: root === null ? null : `${root}`,
    isOffline,
    size,
  });
  try {
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(WAIT_MS);
    const response = await fetch(url, { method: "POST", headers, body, redirect: "error", signal });
    const text = await textOf(response);
    if (response.status !== 200) return `the check answered with status ${response.status}`;
    const { accept, reason } = JSON.parse(text) as { accept?: unknown; reason?: unknown };
    if (accept === true) return null;
    return typeof reason === "string" && reason !== "" ? reason.slice(0, 500) : "the check gave no reason";
  } catch (error) {
    return `the check could not be asked: ${describeError(error)}`;
  }
}

async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let taken = 0; reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    taken += value.length;
    if (taken > MAX_ANSWER) {
      await reader.cancel();
      throw new Error(`an answer of more than ${MAX_ANSWER} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}
