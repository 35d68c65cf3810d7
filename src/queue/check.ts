/**
 * Checks of results that come from other machines, before they are used. They find damage and nonsense (lengths, points that are none,
 * numbers beyond the modulus); a wrong but well-formed sum shows when the proof made of it is verified.
 */
import type { Proofs } from "../core/proofs.ts";
import type { Job } from "../proving/jobs.ts";
import { ELEMENT_BYTES, pointBytes } from "../proving/snark/kernel.ts";

export type ResultCheck = (job: Job, result: unknown) => boolean;

/** The check of every kind of job whose result can be told from nonsense alone; others must be objects at least. */
export function resultCheck(proofs: Proofs): ResultCheck {
  const { exports, instance } = proofs;
  const isBytes = (value: unknown, length: number): value is Uint8Array =>
    value instanceof Uint8Array && value.length === length;
  const arePoints = (bytes: Uint8Array, group: 1 | 2): boolean =>
    proofs.with(bytes.length + pointBytes(group), (at) => {
      instance.write(at, bytes);
      const sum = group === 1 ? exports.g1SumPoints : exports.g2SumPoints;
      return sum(at + bytes.length, at, bytes.length / pointBytes(group)) < 0;
    });
  const areNumbers = (bytes: Uint8Array): boolean =>
    proofs.with(bytes.length, (at) => {
      instance.write(at, bytes);
      const count = bytes.length / ELEMENT_BYTES;
      return exports.packElements(at, at, count) === count;
    });
  return (job, result) => {
    switch (job.kind) {
      case "snark-sum":
        return isBytes(result, pointBytes(job.group)) && arePoints(result, job.group);
      case "key-multiples": {
        const count = "bytes" in job.numbers ? job.numbers.bytes.length / ELEMENT_BYTES : job.numbers.count;
        return isBytes(result, count * pointBytes(job.group)) && arePoints(result, job.group);
      }
      case "quotient":
        return isBytes(result, ELEMENT_BYTES * 2 ** job.bits) && areNumbers(result);
      case "quotient-window": {
        const left = job.steps.some(({ step }) => step === "join") ? 1 : job.vectors.length;
        const length = job.vectors[0]?.length ?? 0;
        return Array.isArray(result) && result.length === left && result.every((one) => isBytes(one, length));
      }
      case "snark-check":
        return typeof result === "number" && Number.isInteger(result);
      default:
        return typeof result === "object" && result !== null;
    }
  };
}
