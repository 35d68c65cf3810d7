/** A local network is not begun in a folder whose chain is somebody else's; what is there is named, and what starts it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { platform } from "#platform";
import { exportChain } from "../../../src/chain/export.ts";
import { importSnapshot } from "../../../src/chain/import.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { DESCRIPTION_FACT } from "../../../src/node/network-description.ts";
import { TableStore } from "../../../src/storage/table-store.ts";
import { gather, sourceOf } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

test("the folder of an import and that of a joined node are told apart from networks made with other options", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-foreign-"));
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  await net.clock.mine(2);
  const file = await gather(exportChain(net.node.chain, net.head, { recentRoots: 2, skipOldMessages: false }));
  await net.close();
  const store = await TableStore.open(data, platform.openTable);
  await importSnapshot(store, sourceOf(file), { hashes: await loadCrypto() });
  await store.close();
  await expect(Devnet.open({ ...TEST_OPTIONS, data })).rejects.toThrow(/taken in \(chain import\)/);
  const joined = await TableStore.open(data, platform.openTable);
  await joined.write({ metadata: [[DESCRIPTION_FACT, new Uint8Array([123, 125])]] });
  await joined.close();
  await expect(Devnet.open({ ...TEST_OPTIONS, data })).rejects.toMatchObject({
    code: "OTHER_NETWORK",
    message: expect.stringContaining("`filigree node start`"),
  });
  await rm(data, { recursive: true });
});
