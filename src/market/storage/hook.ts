/** A provider's own check of offers, behind a URL: it is posted the offer and answers `{"accept":true}`, or why not. */
import { readText } from "../../base/answer-text.ts";
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
    const text = await readText(response, MAX_ANSWER);
    if (response.status !== 200) return `the check answered with status ${response.status}`;
    const { accept, reason } = JSON.parse(text) as { accept?: unknown; reason?: unknown };
    if (accept === true) return null;
    return typeof reason === "string" && reason !== "" ? reason.slice(0, 500) : "the check gave no reason";
  } catch (error) {
    return `the check could not be asked: ${describeError(error)}`;
  }
}
