/** How actors come to be: by a transfer to a key that is new, or by the init actor's Exec; and how they do not. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeEach, describe, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import type { ApplyRet } from "../../../src/core/applied.ts";
import { Vm } from "../../../src/core/vm.ts";
import { Address } from "../../../src/types/address.ts";
import { cidOfText, textOfCid } from "../../../src/types/cid.ts";
import type { Message } from "../../../src/types/message.ts";
import { contextOf, hostOf, idOf, key, makeState, message, type PlainState } from "../../support/plain-state.ts";

const ACCOUNTS = 3;
/** The id that the next actor gets. */
const NEXT = Address.id(100 + ACCOUNTS);

describe.each([
  [0, 1],
  [5, 2],
])("network version %i", (networkVersion, generation) => {
  const code = (name: string) => cidOfText(`fil/${generation}/${name}`);
  const state: PlainState = makeState(networkVersion, ACCOUNTS);
  let vm: Vm;
  beforeEach(async () => {
    vm = await Vm.create(hostOf(state.store));
    vm.open(contextOf(state.root, networkVersion));
  });
  const apply = (fields: Partial<Message>): ApplyRet => {
    const bytes = message(fields);
    return vm.apply(bytes, bytes.length);
  };
  const nextId = (): unknown =>
    (dagCbor.decode(vm.block(vm.actor(Address.id(1))?.head.bytes as Uint8Array) as Uint8Array) as unknown[])[1];
  const codeOf = (address: Address): string | null => {
    const actor = vm.actor(address);
    return actor === null ? null : textOfCid(actor.code);
  };

  describe("a transfer", () => {
    test.each([
      ["secp256k1", Address.secp256k1(new Uint8Array(65).fill(4))],
      ["BLS", key(900)],
    ])("to a %s address that is new makes an account, which can send at once", (_, fresh) => {
      expect(apply({ to: fresh, value: 10n ** 24n }).exitCode).toBe(0);
      expect(codeOf(fresh)).toBe(`fil/${generation}/account`);
      expect(vm.actor(NEXT)).toMatchObject({ balance: 10n ** 24n, nonce: 0n });
      expect(vm.resolve(fresh)).toEqual(NEXT);
      vm.flush();
      expect(nextId()).toBe(101 + ACCOUNTS);
      expect(apply({ from: fresh, to: key(1), value: 5n }).exitCode).toBe(0);
      expect(vm.actor(fresh)?.nonce).toBe(1n);
    });

    test.each([
      ["an id that no actor has", Address.id(77_777)],
      ["an actor address that no actor has", Address.actor(new Uint8Array(5))],
    ])("to %s is exit 5, and moves nothing but gas", (_, nobody) => {
      const before = vm.actor(idOf(0))?.balance as bigint;
      const { exitCode, refund } = apply({ to: nobody, value: 10n ** 20n });
      expect(exitCode).toBe(5);
      expect(vm.actor(idOf(0))).toMatchObject({ nonce: 1n, balance: before - 1_000_000_000n * 200n + refund });
      expect(vm.actor(nobody)).toBeNull();
    });

    test("of a new account's making is paid for in gas", () => {
      const known = apply({ to: key(1) }).gasUsed;
      expect(apply({ to: key(901), nonce: 1n }).gasUsed - known).toBeGreaterThan(1_000_000n);
    });

    test("runs no code, so its parameters may be anything", () => {
      const junk = { params: new Uint8Array(30).fill(0xff) };
      expect(apply({ to: Address.id(1), value: 3n, ...junk })).toMatchObject({
        exitCode: 0,
        return: new Uint8Array(0),
      });
      expect(vm.actor(Address.id(1))?.balance).toBe(3n);
    });

    test("burns by going to actor 99, where the burnt gas money goes too", () => {
      const sent = [apply({ to: Address.id(99), value: 7n }), apply({ to: Address.id(99), value: 8n, nonce: 1n })];
      const burnt = sent.reduce((sum, one) => sum + one.baseFeeBurn + one.overestimationBurn, 15n);
      expect(sent.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      expect(vm.actor(Address.id(99))?.balance).toBe(burnt);
    });
  });

  describe("Exec", () => {
    const exec = (name: string, params: unknown, fields: Partial<Message> = {}): ApplyRet =>
      apply({ to: Address.id(1), method: 2n, params: dagCbor.encode([code(name), dagCbor.encode(params)]), ...fields });
    const multisig = [[key(0).bytes], 1, 0, ...(generation === 2 ? [0] : [])];

    test("gives the next id and an address that can be told before", () => {
      const number = new Uint8Array(16);
      new DataView(number.buffer).setBigUint64(0, 1n);
      const robust = Address.actor(concat(dagCbor.encode(key(0).bytes), number));
      expect(apply({}).exitCode).toBe(0);
      const made = exec("multisig", multisig, { nonce: 1n, value: 12n });
      expect(made.exitCode).toBe(0);
      expect(dagCbor.decode(made.return)).toEqual([NEXT.bytes, robust.bytes]);
      expect(vm.actor(robust)).toMatchObject({ balance: 12n });
      expect(codeOf(NEXT)).toBe(`fil/${generation}/multisig`);
    });

    test.each([
      "account",
      "cron",
      "init",
      "reward",
      "storagemarket",
      "storageminer",
      "storagepower",
      "system",
      "nobody",
    ])("makes no %s: exit 18, and no id is used up", (name) => {
      const before = nextId();
      const refused = exec(name, []);
      expect(refused).toMatchObject({ exitCode: 18, why: expect.stringContaining("may not make") });
      vm.flush();
      expect(nextId()).toBe(before);
      expect(vm.actor(NEXT)).toBeNull();
    });

    test("that ends with a constructor's failure gives id and money back", () => {
      const before = vm.actor(idOf(0))?.balance as bigint;
      const failed = exec("multisig", [[], 1, 0, ...(generation === 2 ? [0] : [])], { value: 10n ** 20n });
      expect(failed.exitCode).toBe(16);
      expect(vm.actor(NEXT)).toBeNull();
      expect(vm.actor(idOf(0))?.balance).toBe(before - 1_000_000_000n * 200n + failed.refund);
      expect(exec("multisig", multisig, { nonce: 1n }).exitCode).toBe(0);
      expect(codeOf(NEXT)).toBe(`fil/${generation}/multisig`);
    });

    test("is the only way: constructors refuse who is not the init actor", () => {
      expect(exec("multisig", multisig).exitCode).toBe(0);
      const again = apply({ to: NEXT, method: 1n, params: dagCbor.encode(multisig), nonce: 1n });
      expect(again.exitCode).toBe(8);
    });
  });

  test("a multisig changes itself only by its own proposal", () => {
    const made = apply({
      to: Address.id(1),
      method: 2n,
      params: dagCbor.encode([
        code("multisig"),
        dagCbor.encode([[key(0).bytes], 1, 0, ...(generation === 2 ? [0] : [])]),
      ]),
    });
    expect(made.exitCode).toBe(0);
    const addSigner = dagCbor.encode([idOf(1).bytes, false]);
    expect(apply({ to: NEXT, method: 5n, params: addSigner, nonce: 1n }).exitCode).toBe(8);
    const propose = dagCbor.encode([NEXT.bytes, new Uint8Array(0), 5, addSigner]);
    const proposed = apply({ to: NEXT, method: 2n, params: propose, nonce: 2n });
    expect(proposed.exitCode).toBe(0);
    expect((dagCbor.decode(proposed.return) as unknown[]).slice(0, 3)).toEqual([0, true, 0]);
    vm.flush();
    const [signers] = dagCbor.decode(vm.block(vm.actor(NEXT)?.head.bytes as Uint8Array) as Uint8Array) as [
      Uint8Array[],
    ];
    expect(signers).toHaveLength(2);
  });
});
