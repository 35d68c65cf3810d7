/** Published addresses: those of the specification and of go-address; and where addresses end. */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { Address, AddressError } from "../../../src/types/address.ts";

/** Text and bytes. Source: Filecoin specification, address, test vectors. */
const PUBLISHED = `
f00 0000
f0150 009601
f01024 008008
f01729 00c10d
f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 01fd1d0f4dfcd7e99afcb99a8326b7dc459d32c628
f1xcbgdhkgkwht3hrrnui3jdopeejsoatkzmoltqy 01b882619d46558f3d9e316d11b48dcf211327026a
f1xtwapqc6nh4si2hcwpr3656iotzmlwumogqbuaa 01bcec07c05e69f92468e2b3e3bf77c874f2c5da8c
f1wbxhu3ypkuo6eyp6hjx6davuelxaxrvwb2kuwva 01b06e7a6f0f551de261fe3a6fe182b422ee0bc6b6
f12fiakbhe2gwd5cnmrenekasyn6v5tnaxaqizq6a 01d1500504e4d1ac3e89ac891a4502586fabd9b417
f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i 02e54dea4f9bc5b47d261819826d5e1fbf8bc5503b
f25nml2cfbljvn4goqtclhifepvfnicv6g7mfmmvq 02eb58bd08a15a6ade19d0989674148fa95a8157c6
f2nuqrg7vuysaue2pistjjnt3fadsdzvyuatqtfei 026d21137eb4c4814269e894d296cf6500e43cd714
f24dd4ox4c2vpf5vk5wkadgyyn6qtuvgcpxxon64a 02e0c7c75f82d55e5ed55db28033630df4274a984f
f2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y 02316b4c1ff5d4afb7826ceab5bb0f2c3e0f364053
f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a 03ad58df696e2d4e91ea86c881e938ba4ea81b395e12797b84b9cf314b9546705e839c7a99d606b247ddb4f9ac7a3414dd
f3wmuu6crofhqmm3v4enos73okk2l366ck6yc4owxwbdtkmpk42ohkqxfitcpa57pjdcftql4tojda2poeruwa 03b3294f0a2e29e0c66ebc235d2fedca5697bf784af605c75af608e6a63d5cd38ea85ca8989e0efde9188b382f9372460d
f3s2q2hzhkpiknjgmf4zq3ejab2rh62qbndueslmsdzervrhapxr7dftie4kpnpdiv2n6tvkr743ndhrsw6d3a 0396a1a3e4ea7a14d49985e661b22401d44fed402d1d0925b243c923589c0fbc7e32cd04e29ed78d15d37d3aaa3fe6da33
f3q22fijmmlckhl56rn5nkyamkph3mcfu5ed6dheq53c244hfmnq2i7efdma3cj5voxenwiummf2ajlsbxc65a 0386b454258c589475f7d16f5aac018a79f6c1169d20fc33921dd8b5ce1cac6c348f90a3603624f6aeb91b64518c2e8095
f3u5zgwa4ael3vuocgc5mfgygo4yuqocrntuuhcklf4xzg5tcaqwbyfabxetwtj4tsam3pbhnwghyhijr5mixa 03a7726b038022f75a384617585360cee629070a2d9d28712965e5f26ecc40858382803724ed34f2720336f09db631f074
`
  .trim()
  .split("\n")
  .map((line) => line.split(" ") as [text: string, hex: string]);

test.each(PUBLISHED)("%s", (text, hex) => {
  expect(toHex(Address.parse(text).bytes)).toBe(hex);
  expect(Address.fromBytes(fromHex(hex)).toString("f")).toBe(text);
  expect(Address.parse(`t${text.slice(1)}`).toString("t")).toBe(`t${text.slice(1)}`);
});

test("the one published address that is none today: its id does not fit 63 bits", () => {
  expect(() => Address.parse("f018446744073709551615")).toThrow(AddressError);
  expect(() => Address.fromBytes(fromHex("00ffffffffffffffffff01"))).toThrow(AddressError);
});

/** Here and below: source: go-address, address_test.go. */
test("public key to f1", () => {
  const key =
    "049402fac37e6432a416a3a0ca5426b5185ab3b24f6134efa25ce487c82d2e4e13bf452511e0d2245421f8613bc10d72fa21" +
    "6666a96c3bc13920d3ff233fd0bc05";
  expect(Address.secp256k1(fromHex(key)).toString()).toBe("f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq");
  expect(() => Address.secp256k1(fromHex(key).subarray(1))).toThrow(AddressError);
});

test("creation data to f2", () => {
  const made = Address.actor(fromHex("76128190cdf068d1418044acc03e0b6781970d60"));
  expect(made.toString()).toBe("f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i");
});

const MAX = (1n << 63n) - 1n;

test("the highest id has nine bytes behind the protocol", () => {
  expect(Address.id(MAX).toString()).toBe("f09223372036854775807");
  expect(toHex(Address.parse("f09223372036854775807").bytes)).toBe("00ffffffffffffffff7f");
  expect(() => Address.parse("f09223372036854775808")).toThrow(AddressError);
  expect(() => Address.id(-1)).toThrow(AddressError);
});

test.each([
  [32n, "ffffffffff", "f432f77777777x32lpna"],
  [MAX, "", "f49223372036854775807fiic6zsy"],
  [MAX, "00".repeat(54), `f49223372036854775807f${"a".repeat(86)}hwgiuam`],
  [10n, "d388ab098ed3e84c0d808776440b48f685198498", "f410f2oekwcmo2pueydmaq53eic2i62crtbeyuzx2gmy"],
])("delegated, namespace %s and subaddress %s: %s", (namespace, subaddress, text) => {
  const made = Address.delegated(namespace, fromHex(subaddress));
  expect(made.toString()).toBe(text);
  expect(Address.parse(text).equals(made)).toBe(true);
  expect(Address.fromBytes(made.bytes).toString("t")).toBe(`t${text.slice(1)}`);
});

test("delegated: a namespace of 2^63, a subaddress of 55 bytes, no namespace, a wrong checksum are refused", () => {
  expect(() => Address.delegated(MAX + 1n, new Uint8Array(4))).toThrow(AddressError);
  expect(() => Address.delegated(10n, new Uint8Array(55))).toThrow(AddressError);
  const good = "f432f77777777x32lpna";
  for (const text of [
    `f49223372036854775808f${good.slice(5)}`,
    "f4f77777777x32lpna",
    "f432",
    "f432f",
    "f432f777",
    "f433f77777777x32lpna",
    "f432f77777777x32lpnb",
    "f4032f77777777x32lpna",
    "f432F77777777x32lpna",
  ])
    expect(() => Address.parse(text), text).toThrow(AddressError);
});

test.each([
  "",
  "f",
  "t2",
  "Q2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y",
  "t5gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr23y",
  "t2gfvuyh7v2sx3patm5k23wdzmhyhtmqctasbr24y",
  "t0banananananannnnnnnnn",
  "t0banananananannnnnnn",
  "t2gfvuyh7v2sx3patm1k23wdzmhyhtmqctasbr24y",
  "t2gfvuyh7v2sx3paTm5k23wdzmhyhtmqctasbr23y",
  "t1234",
  "f0+1",
  "f0 1",
  "f00x1",
])("the text %j is refused", (text) => {
  expect(() => Address.parse(text)).toThrow(AddressError);
});

test.each([
  ["nothing", ""],
  ["a protocol without payload", "00"],
  ["an id cut short", "0080"],
  ["an id that is not minimal", "008000"],
  ["an id of ten bytes", "00ffffffffffffffffff01"],
  ["bytes behind an id", "000100"],
  ["a hash of 19 bytes", `01${"00".repeat(19)}`],
  ["a hash of 21 bytes", `02${"00".repeat(21)}`],
  ["a key of 47 bytes", `03${"00".repeat(47)}`],
  ["a key of 49 bytes", `03${"00".repeat(49)}`],
  ["a namespace that is not minimal", "048000ff"],
  ["protocol 5", "0501"],
])("bytes: %s is refused", (_, hex) => {
  expect(() => Address.fromBytes(fromHex(hex))).toThrow(AddressError);
});
