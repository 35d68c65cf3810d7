/**
 * The trustless gateway and the piece gateway of a node, asked over HTTP for the DAGs of the gateway's conformance suite:
 * blocks and their order, ranges, statuses, headers.
 */
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import { CID } from "multiformats/cid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCar, writeCar } from "../../src/storage/car.ts";
import { cidOfBlock } from "../../src/types/cid.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";

const fixture = (name: string): Promise<Buffer> =>
  readFile(fileURLToPath(new URL(`../fixtures/gateway/${name}.car`, import.meta.url)));

const DIR = "bafybeihchr7vmgjaasntayyatmp5sv6xza57iy2h4xj7g46bpjij6yhrmy";
const ASCII = "bafkreifkam6ns4aoolg3wedr4uzrs3kvq66p4pecirz6y2vlrngla62mxm";
const HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4";
const FILE = "bafybeigcisqd7m5nf3qmuvjdbakl5bdnh4ocrmacaqkpuh77qjvggmt2sa";
const PARTS = [
  "bafkreie5noke3mb7hqxukzcy73nl23k6lxszxi5w3dtmuwz62wnvkpsscm",
  "bafkreih4ephajybraj6wnxsbwjwa77fukurtpl7oj7t7pfq545duhot7cq",
  "bafkreigu7buvm3cfunb35766dn7tmqyh2um62zcio63en2btvxuybgcpue",
  "bafkreicll3huefkc3qnrzeony7zcfo7cr3nbx64hnxrqzsixpceg332fhe",
  "bafkreifst3pqztuvj57lycamoi7z34b4emf7gawxs74nwrc2c7jncmpaqm",
];
const SHARDED = "bafybeidbclfqleg2uojchspzd4bob56dqetqjsj27gy2cq3klkkgxtpn4i";
const OUTER = "bafybeietjm63oynimmv5yyqay33nui4y4wx6u3peezwetxgiwvfmelutzu";
const SUBDIR = "bafybeiggghzz6dlue3m6nb2dttnbrygxh3lrjl5764f2m4gq7dgzdt55o4";
const CAR = "application/vnd.ipld.car";
const RAW = "application/vnd.ipld.raw";

let net: TestNet;
let base: string;
/** A DAG of which a leaf is missing. */
let broken: string;
/** A root of dag-json. */
let json: string;

beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
  base = new URL(net.url).origin;
  const store = await net.devnet.services.client.store();
  for (const name of [
    "dir-with-duplicate-files",
    "single-layer-hamt-with-multi-block-files",
    "subdir-with-two-single-block-files",
  ]) {
    const bytes = await fixture(name);
    await store.importCar(name, {
      size: bytes.length,
      read: async (from, length) => bytes.subarray(from, from + length),
    });
  }
  const inner = Buffer.from(`{"list":["no",{"/":"${HELLO}"}],"text":"deep"}`);
  const root = CID.createV1(0x0129, cidOfBlock(inner).multihash);
  json = `${root}`;
  const partial = Buffer.from(`[{"/":"${HELLO}"},{"/":"${cidOfBlock(Uint8Array.of(9))}"}]`);
  const cut = CID.createV1(0x0129, cidOfBlock(partial).multihash);
  broken = `${cut}`;
  const internal = (store as unknown as { store: { write(batch: object): Promise<void> } }).store;
  await internal.write({
    blocks: [
      { cid: root.bytes, bytes: inner },
      { cid: cut.bytes, bytes: partial },
    ],
  });
});
afterAll(() => net.close());
const ask = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(`${base}${path}`, { headers, method });
/** CIDs of a CAR answer in their order. */
async function cids(path: string, headers: Record<string, string> = {}): Promise<string[]> {
  const response = await ask(path, headers);
  expect([response.status, path]).toEqual([200, path]);
  expect(response.headers.get("content-type")).toMatch(
    /^application\/vnd\.ipld\.car; version=1; order=dfs; dups=[yn]$/,
  );
  const { blocks } = readCar(new Uint8Array(await response.arrayBuffer()));
  return blocks.map(({ cid }) => `${CID.decode(cid)}`);
}

describe("CAR files", () => {
  const WHOLE = [DIR, ASCII, HELLO, FILE, ...PARTS];
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [`/ipfs/${DIR}?format=car`, WHOLE],
    [`/ipfs/${DIR}?format=car&dag-scope=all`, WHOLE],
    [`/ipfs/${DIR}?format=car&dag-scope=entity`, [DIR]],
    [`/ipfs/${DIR}?format=car&dag-scope=block`, [DIR]],
    [`/ipfs/${DIR}/multiblock.txt?format=car&dag-scope=block`, [DIR, FILE]],
    [`/ipfs/${DIR}/multiblock.txt?format=car&dag-scope=entity`, [DIR, FILE, ...PARTS]],
    [`/ipfs/${DIR}/multiblock.txt?format=car`, [DIR, FILE, ...PARTS]],
    [`/ipfs/${DIR}/ascii.txt?format=car`, [DIR, ASCII]],
    [`/ipfs/${OUTER}/subdir/ascii.txt?format=car&dag-scope=block`, [OUTER, SUBDIR, ASCII]],
    [`/ipfs/${OUTER}/subdir?format=car&dag-scope=entity`, [OUTER, SUBDIR]],
    [`/ipfs/${OUTER}/subdir/?format=car`, [OUTER, SUBDIR, ASCII, HELLO]],
    [`/ipfs/${ASCII}?format=car`, [ASCII]],
    // Bytes of a file: 4 parts of 256 and one of 2.
    [`/ipfs/${FILE}?format=car&entity-bytes=0:*`, [FILE, ...PARTS]],
    [`/ipfs/${FILE}?format=car&entity-bytes=0:0`, [FILE, ...PARTS.slice(0, 1)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=255:256`, [FILE, ...PARTS.slice(0, 2)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=512:1023`, [FILE, ...PARTS.slice(2, 4)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=1000:99999`, [FILE, ...PARTS.slice(3)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=-2:*`, [FILE, ...PARTS.slice(4)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=-9999:-1000`, [FILE, ...PARTS.slice(0, 1)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=512:-258`, [FILE, ...PARTS.slice(2, 4)]],
    [`/ipfs/${FILE}?format=car&entity-bytes=5:-1028`, [FILE]],
    [`/ipfs/${DIR}/multiblock.txt?format=car&dag-scope=block&entity-bytes=0:255`, [DIR, FILE, ...PARTS.slice(0, 1)]],
    // Of what has no bytes the range means nothing.
    [`/ipfs/${DIR}?format=car&entity-bytes=5:7`, [DIR]],
    // Fields of plain data.
    [`/ipfs/JSON?format=car`, ["JSON", HELLO]],
    [`/ipfs/JSON?format=car&dag-scope=entity`, ["JSON"]],
    [`/ipfs/JSON/list/1?format=car`, ["JSON", HELLO]],
    [`/ipfs/JSON/text?format=car`, ["JSON"]],
    [`/ipfs/JSON/list?format=car`, ["JSON", HELLO]],
  ];
  test.each(cases)("%s", async (path, wanted) => {
    const named = (text: string): string => text.replace("JSON", json);
    expect(await cids(named(path))).toEqual(wanted.map(named));
  });

  test("a sharded folder: its shards, a file through them, and the whole of it", async () => {
    const shards = await cids(`/ipfs/${SHARDED}?format=car&dag-scope=entity`);
    expect(shards[0]).toBe(SHARDED);
    expect(new Set(shards).size).toBe(shards.length);
    expect(shards).not.toContain(FILE);
    // What the suite's own file has: 1 root, its shards, 1 file and its 5 parts.
    expect(shards).toHaveLength(243 - 6);
    const path = await cids(`/ipfs/${SHARDED}/371.txt?format=car&dag-scope=entity`);
    expect(path).toEqual([SHARDED, "bafybeia3djnogqzmmk3ffvgcidvlea6qcj7t74agqapdkuu4yxfcpfjwze", FILE, ...PARTS]);
    expect(await cids(`/ipfs/${SHARDED}?format=car`)).toHaveLength(243);
    expect((await ask(`/ipfs/${SHARDED}/nobody.txt?format=car`)).status).toBe(404);
  });

  test("blocks come as often as they are met, if that is asked for", async () => {
    const twice = [DIR, ASCII, ASCII, HELLO, FILE, ...PARTS];
    expect(await cids(`/ipfs/${DIR}`, { accept: `${CAR}; version=1; order=dfs; dups=y` })).toEqual(twice);
    expect(await cids(`/ipfs/${DIR}?format=car&car-dups=y`, { accept: `${CAR}; dups=n` })).toEqual(twice);
    expect(await cids(`/ipfs/${DIR}`, { accept: `${RAW};q=0.1, ${CAR};q=0.9` })).toHaveLength(9);
  });

  test("headers", async () => {
    const { status, headers } = await ask(`/ipfs/${OUTER}/subdir/ascii.txt?format=car&dag-scope=block`);
    expect(status).toBe(200);
    expect(headers.get("content-disposition")).toBe(`attachment; filename="${OUTER}.car"`);
    expect(headers.get("cache-control")).toBe("public, max-age=29030400, immutable");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("accept-ranges")).toBe("none");
    expect(headers.get("x-ipfs-path")).toBe(`/ipfs/${OUTER}/subdir/ascii.txt`);
    expect(headers.get("x-ipfs-roots")).toBe([OUTER, SUBDIR, ASCII].join(","));
    expect(headers.get("content-location")).toBeNull();
    const accept = await ask(`/ipfs/${DIR}?filename=t%C3%A9st.car`, { accept: CAR });
    expect(accept.headers.get("content-location")).toContain("format=car");
    expect(accept.headers.get("content-disposition")).toBe(
      `attachment; filename="t_st.car"; filename*=UTF-8''t%C3%A9st.car`,
    );
    await accept.body?.cancel();
  });

  test("entity tags tell answers apart, and an answer that is known is not sent again", async () => {
    const queries = [
      "",
      "&dag-scope=block",
      "&dag-scope=entity",
      "&entity-bytes=0:1",
      "&entity-bytes=0:2",
      "&car-dups=y",
    ];
    const tags = await Promise.all(
      queries.map(async (query) => (await ask(`/ipfs/${FILE}?format=car${query}`, {}, "HEAD")).headers.get("etag")),
    );
    expect(new Set(tags).size).toBe(queries.length);
    expect(tags[0]).toMatch(/^W\/"/);
    const known = await ask(`/ipfs/${FILE}?format=car`, { "if-none-match": `"other", ${tags[0]}` });
    expect([known.status, await known.text()]).toEqual([304, ""]);
  });
});

describe("single blocks", () => {
  test("whole, in ranges, and named", async () => {
    const whole = await ask(`/ipfs/${HELLO}`, { accept: RAW });
    expect(await whole.text()).toBe("hello world\n");
    expect(whole.headers.get("content-type")).toBe(RAW);
    expect(whole.headers.get("content-length")).toBe("12");
    expect(whole.headers.get("etag")).toBe(`"${HELLO}.raw"`);
    expect(whole.headers.get("content-disposition")).toBe(`attachment; filename="${HELLO}.bin"`);
    expect(whole.headers.get("content-location")).toBe(`/ipfs/${HELLO}?format=raw`);
    const part = await ask(`/ipfs/${HELLO}?format=raw`, { range: "bytes=6-10" });
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([
      206,
      "world",
      "bytes 6-10/12",
    ]);
    const end = await ask(`/ipfs/${DIR}/hello.txt?format=raw`, { range: "bytes=-6" });
    expect([end.status, await end.text()]).toEqual([206, "world\n"]);
    const outside = await ask(`/ipfs/${HELLO}?format=raw`, { range: "bytes=12-" });
    expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */12"]);
    const several = await ask(`/ipfs/${HELLO}?format=raw`, { range: "bytes=0-1,3-4" });
    expect([several.status, await several.text()]).toEqual([200, "hello world\n"]);
    const head = await ask(`/ipfs/${HELLO}?format=raw`, {}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "12", ""]);
    expect((await ask(`/ipfs/${HELLO}?format=raw`, { "if-none-match": `"${HELLO}.raw"` })).status).toBe(304);
  });

  test("the probe answers without being stored", async () => {
    const [raw, head] = [await ask("/ipfs/bafkqaaa?format=raw"), await ask("/ipfs/bafkqaaa?format=raw", {}, "HEAD")];
    expect([raw.status, await raw.text(), head.status]).toEqual([200, "", 200]);
    const car = readCar(new Uint8Array(await (await ask("/ipfs/bafkqaaa?format=car")).arrayBuffer()));
    expect([car.roots.map((root) => `${CID.decode(root)}`), car.blocks]).toEqual([["bafkqaaa"], []]);
  });
});

describe("what is refused", () => {
  const absent = `${cidOfBlock(Uint8Array.of(5))}`;
  test.each([
    [`/ipfs/${DIR}`, {}, 400],
    [`/ipfs/${DIR}`, { accept: "*/*" }, 400],
    [`/ipfs/${DIR}`, { accept: "text/html" }, 406],
    [`/ipfs/${DIR}?format=tar`, {}, 406],
    [`/ipfs/nonsense?format=car`, {}, 400],
    [`/ipfs/${absent}?format=car`, {}, 404],
    [`/ipfs/${absent}?format=raw`, {}, 404],
    [`/ipfs/${absent}?format=raw`, { "cache-control": "only-if-cached" }, 412],
    [`/ipfs/${DIR}/absent.txt?format=car`, {}, 404],
    [`/ipfs/${ASCII}/below?format=car`, {}, 404],
    [`/ipfs/${DIR}/%ff?format=car`, {}, 400],
    [`/ipfs/${DIR}?format=car&dag-scope=some`, {}, 400],
    [`/ipfs/${FILE}?format=car&entity-bytes=1`, {}, 400],
    [`/ipfs/${FILE}?format=car&entity-bytes=a:b`, {}, 400],
    [`/ipfs/${FILE}?format=car&entity-bytes=9:3`, {}, 400],
    [`/ipfs/${FILE}?format=car&entity-bytes=1026:*`, {}, 400],
    [`/ipfs/${FILE}?format=car&car-version=2`, {}, 400],
    [`/ipfs/${FILE}?format=car&car-order=bfs`, {}, 400],
    [`/ipfs/${DIR}?format=car`, { "service-worker": "script" }, 400],
    ["/piece/nonsense", {}, 400],
    [`/piece/${HELLO}`, {}, 400],
    ["/piece/baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq", {}, 404],
  ])("%s %o: %i", async (path, headers, status) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await ask(path, headers as Record<string, string>, method);
      await response.text();
      // fetch sends an Accept header of its own, which asks for nothing.
      expect([response.status, method]).toEqual([status, method]);
    }
  });

  test("an answer that cannot go on is cut off", async () => {
    const read = ask(`/ipfs/${broken}?format=car`).then((response) => response.arrayBuffer());
    await expect(read).rejects.toThrow();
  });

  test("other names of the host and pages of others are refused as ever", async () => {
    expect((await ask(`/ipfs/${HELLO}?format=raw`, { origin: "https://elsewhere.example" })).status).toBe(403);
    const { hostname, port } = new URL(base);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(Number(port), hostname, () =>
        socket.write(`GET /ipfs/${HELLO}?format=raw HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n`),
      );
      let text = "";
      socket.on("data", (data) => {
        text += data.toString();
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });
});

test("a piece is the CAR file that was committed to, whole and in ranges", async () => {
  const piece = await net.devnet.request<{ PieceCID: { "/": string }; PayloadSize: number }>("ClientDealPieceCID", {
    "/": SHARDED,
  });
  const path = `/piece/${piece.PieceCID["/"]}`;
  const whole = await ask(path);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  expect(whole.headers.get("content-length")).toBe(`${piece.PayloadSize}`);
  expect(whole.headers.get("content-type")).toBe("application/vnd.ipld.car; version=1");
  expect(bytes).toEqual(
    new Uint8Array(
      await fixture("single-layer-hamt-with-multi-block-files").then((car) => {
        const { roots, blocks } = readCar(car);
        return writeCar(roots, blocks);
      }),
    ),
  );
  const { length } = bytes;
  for (const [from, to] of [
    [0, 0],
    [0, 58],
    [58, 59],
    [60, 5000],
    [length - 1, length - 1],
    [1000, length - 1],
  ] as const) {
    const part = await ask(path, { range: `bytes=${from}-${to}` });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes ${from}-${to}/${length}`]);
    expect(Buffer.compare(Buffer.from(await part.arrayBuffer()), Buffer.from(bytes.subarray(from, to + 1)))).toBe(0);
  }
  const head = await ask(path, { range: "bytes=-10" }, "HEAD");
  expect([head.status, head.headers.get("content-length")]).toEqual([206, "10"]);
  expect((await ask(path, { range: `bytes=${length}-` })).status).toBe(416);
  expect((await ask(path, { "if-none-match": whole.headers.get("etag") as string })).status).toBe(304);
});

test("routing: of a node without an identity nobody is told, and what is no CID is refused", async () => {
  const statuses = [`/routing/v1/providers/${HELLO}`, "/routing/v1/providers/x", "/routing/v1/peers/x", "/cid/x"];
  expect(await Promise.all(statuses.map(async (path) => (await ask(path)).status))).toEqual([404, 422, 501, 400]);
  expect(await net.devnet.request("Filigree.RetrievalProviders", { "/": HELLO })).toMatchObject([
    { KnownBy: "here", ID: "", Addrs: [`/ip4/127.0.0.1/tcp/${new URL(base).port}/http`] },
  ]);
});
