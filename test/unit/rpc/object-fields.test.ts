/** `ChainGetNode` by names of fields, where a list is a chain's object. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toBase64, utf8 } from "../../../src/base/bytes.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

let net: Devnet;
type Node = { readonly Cid: { readonly "/": string }; readonly Obj: unknown };
const get = (path: string): Promise<Node> => net.request("ChainGetNode", path) as Promise<Node>;
let sent: string;
let block: string;

beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, miners: 1 });
  const [From, To] = net.accounts.map(({ secp256k1 }) => `${secp256k1}`);
  const { CID } = (await net.request("MpoolPushMessage", { From, To, Value: "7" }, null)) as { CID: { "/": string } };
  sent = CID["/"];
  await net.clock.mine(2);
  block = `${net.head.key[0]}`;
});
afterAll(() => net.close());

test("a header's fields, through links, structures and lists, as by their places", async () => {
  const { blocks } = net.head;
  const header = blocks[0];
  expect((await get(`${block}/ParentStateRoot`)).Cid["/"]).toBe(`${header?.parentStateRoot}`);
  expect((await get(`${block}/Height`)).Obj).toBe(header?.height);
  for (const [named, placed] of [
    ["ElectionProof/WinCount", "2/0"],
    ["Ticket/VRFProof", "1/0"],
    ["WinPoStProof/0/ProofBytes", "4/0/1"],
    ["Parents/0/Timestamp", "5/0/12"],
    ["Messages/SecpkMessages", "10/1"],
    ["ParentStateRoot/Actors", "8/1"],
    ["ParentMessageReceipts/2/2/0/GasUsed", "9/2/2/0/2"],
  ])
    expect(await get(`${block}/${named}`), named).toEqual(await get(`${block}/${placed}`));
});

test("a message's, signed or not", async () => {
  expect((await get(`${sent}/Message/Nonce`)).Obj).toBe(0);
  expect((await get(`${sent}/Message/Value`)).Obj).toBe("AAc=");
  expect((await get(`${sent}/Message`)).Cid["/"]).toBe(sent);
  // A message of the chain that nobody signed is one of 10 by itself.
  const bytes = dagCbor.encode([
    0,
    new Uint8Array(2),
    new Uint8Array(2),
    5,
    ...["", "", "", ""].map(utf8),
    0,
    utf8(""),
  ]);
  await net.request("ChainPutObj", toBase64(bytes));
  expect((await get(`${cidOfBlock(bytes)}/Nonce`)).Obj).toBe(5);
});

test("what is not there is told with what is", async () => {
  await expect(get(`${block}/ParentStateRoo`)).rejects.toThrow(
    /no such link found: ParentStateRoo; there are Miner, Ticket, .*ParentBaseFee, and places 0 to 15$/,
  );
  await expect(get(`${block}/16`)).rejects.toThrow(/no such link found: 16; there are Miner/);
  await expect(get(`${block}/length`)).rejects.toThrow(/no such link found: length/);
  await expect(get(`${block}/ElectionProof/x`)).rejects.toThrow(/there are WinCount, VRFProof, and places 0 to 1/);
  await expect(get(`${block}/Parents/x`)).rejects.toThrow(/a list has places 0 to 0/);
  await expect(get(`${block}/Height/x`)).rejects.toThrow(/nothing is below it/);
});
