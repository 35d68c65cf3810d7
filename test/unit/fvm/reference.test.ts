/**
 * Messages to small actors of random syscalls, with what the reference's crate makes of each: exit code, gas, return value, events and
 * state. How they were made: `test/fixtures/fvm/README.md`.
 */
import { expect, test } from "vitest";
import { fromBase64, fromHex, toHex } from "../../../src/base/bytes.ts";
import { Fvm } from "../../../src/core/fvm.ts";
import { cidFromBytes, cidKey } from "../../../src/types/cid.ts";
import fixtures from "../../fixtures/fvm/syscalls.json" with { type: "json" };

/** 32 bytes that the epoch begins, as the oracle drew them. */
function digest(tag: number, epoch: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(tag);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(epoch), true);
  return bytes;
}

test.each(fixtures)("network version $networkVersion: every message as in the reference", async (fixture) => {
  const blocks = new Map(
    fixture.blocks.map(([cid, bytes]) => [cidKey(fromHex(cid as string)), fromBase64(bytes as string)]),
  );
  let answer: { ok: boolean; fault: number[] | null } = { ok: true, fault: null };
  const vm = await Fvm.create({
    peek: (cid) => blocks.get(cidKey(cid)),
    ticketDigest: (epoch) => digest(0x11, epoch),
    beaconDigest: (epoch) => digest(0x22, epoch),
    tipsetCid: (epoch) => Uint8Array.from([1, 0x71, 0xa0, 0xe4, 2, 0x20, ...digest(0x33, epoch)]),
    verifyPoSt: () => answer.ok,
    verifySeal: () => answer.ok,
    verifyAggregate: () => answer.ok,
    verifyReplicaUpdate: () => answer.ok,
    consensusFault: () => {
      if (answer.fault === null) return null;
      const [kind, epoch, miner] = answer.fault as [1 | 2 | 3, number, number];
      return { kind, epoch, miner: BigInt(miner) };
    },
  });
  const { epoch, networkVersion, chainId } = fixture;
  vm.open({
    ...{ stateRoot: cidFromBytes(fromHex(fixture.root)), epoch, timestamp: 30 * epoch, networkVersion, chainId },
    ...{ baseFee: BigInt(fixture.baseFee), circulatingSupply: 123n },
  });
  for (const [i, expected] of fixture.messages.entries()) {
    answer = expected;
    const message = fromBase64(expected.message);
    const { exitCode, gasUsed, return: value, eventsRoot } = vm.apply(message, message.length);
    expect({
      ...{ i, exit: exitCode, gas: Number(gasUsed), return: toHex(value) },
      ...{ events: eventsRoot === null ? "" : toHex(eventsRoot.bytes), root: toHex(vm.flush().bytes) },
    }).toEqual({
      i,
      exit: expected.exit,
      gas: expected.gas,
      return: expected.return,
      events: expected.events,
      root: expected.root,
    });
  }
});
