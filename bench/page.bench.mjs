/** The piece commitment of a 256 MiB file in a page of Chromium: how long the page's own thread is busy meanwhile. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { onPage, WATCH } from "./support-page.mjs";

export const title = "A page that commits to a 256 MiB file";

const MIB = 1 << 20;
const root = fileURLToPath(new URL("..", import.meta.url));

// A `File` of the test's bytes: workers read and hash its slices. The answer must be that of the command line.
const PAGE = `<!doctype html><title>piece</title><input type="file" id="file"><script type="module">
import { pieceCidV1, pieceCidV2 } from "/dist/sector/piece/cid.js";
import { commitPayload } from "/dist/proving/commit.js";
import { ProvingPool } from "/dist/proving/pool.js";
import { loadProofs } from "/dist/core/proofs.js";
${WATCH}
const proofs = await loadProofs();
const pool = ProvingPool.open();
await Promise.all(Array.from({ length: pool.size }, () => commitPayload(proofs, pool, { blob: new Blob(["warm"]) })));
window.commit = async () => {
  const blob = document.querySelector("#file").files[0];
  const { result, ...figures } = await watched(() => commitPayload(proofs, pool, { blob }, { onProgress: () => undefined }));
  return { cid: String(pieceCidV1(result.commP)), v2: String(pieceCidV2(result)), ...figures, workers: pool.size };
};
window.ready = true;
</script>`;

export async function facts() {
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
  const file = path.join(folder, "payload");
  const bytes = new Uint8Array(256 * MIB);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 167 + (i >>> 11)) & 255;
  writeFileSync(file, bytes);
  try {
    const found = await onPage(PAGE, {}, async (page) => {
      await page.setInputFiles("#file", file);
      return page.evaluate("window.commit()");
    });
    if (found === null) return [];
    const { stdout } = await promisify(execFile)(process.execPath, ["dist/cli/bin.js", "commp", file, "--json"], {
      cwd: root,
    });
    const expected = JSON.parse(stdout);
    if (found.cid !== expected.pieceCid || found.v2 !== expected.pieceCidV2)
      throw new Error(`the page answers ${found.cid}, the command line ${expected.pieceCid}`);
    return [
      { name: "longest task of the page's thread (0: none of 50 ms)", value: found.longest, unit: "ms", most: 50 },
      { name: "longest pause between two turns of its loop", value: found.pause, unit: "ms" },
      { name: "turns of its loop meanwhile", value: found.turns, unit: "turns" },
      { name: `piece commitment of 256 MiB, ${found.workers} workers`, value: found.ms, unit: "ms" },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
