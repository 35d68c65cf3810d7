/** The interface as a whole: its size, its names, and what its descriptions say. */
import { mainnet } from "@filecoin-shipyard/lotus-client-schema";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { REGISTRY } from "../../../src/rpc/api.ts";
import { PERMISSIONS } from "../../../src/rpc/auth.ts";
import { docsPage } from "../../../src/rpc/docs-page.ts";
import { openRpc } from "../../../src/rpc/openrpc.ts";
import { API_VERSIONS } from "../../../src/rpc/versions.ts";

/** Methods of the reference's client that are served, at the least. */
const SERVED = 202;

const known = Object.keys((mainnet as { fullNode: { methods: object } }).fullNode.methods);

test("methods of the reference's client that are served", () => {
  expect(known).toHaveLength(211);
  const served = known.filter((name) =>
    API_VERSIONS.some((version) => REGISTRY.methods(version).has(`Filecoin.${name}`)),
  );
  expect(served.length).toBeGreaterThanOrEqual(SERVED);
});

test("every method has a summary, a permission and parameters with names of their own", () => {
  for (const version of API_VERSIONS) {
    expect([...REGISTRY.methods(version)].length).toBeGreaterThan(200);
    for (const [name, method] of REGISTRY.methods(version)) {
      expect(method.summary, name).toMatch(/^[A-Z].*\.$/);
      expect(PERMISSIONS, name).toContain(method.permission);
      const names = method.params.map((one) => one.name);
      expect(new Set(names).size, name).toBe(names.length);
    }
  }
});

test("whoever has any file of the node's machine put where others see it must be its administrator", () => {
  for (const name of ["Filecoin.ClientImport", "Filigree.SectorAddPiece"])
    for (const version of API_VERSIONS)
      expect(REGISTRY.methods(version).get(name)?.permission ?? "admin").toBe("admin");
});

test("every schema of the OpenRPC document compiles, and no two parameters behind an optional one are required", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const version of API_VERSIONS)
    for (const { name, params, result } of openRpc(REGISTRY, version, "test").methods)
      for (const schema of [...params.map((one) => one.schema), result.schema])
        expect(() => ajv.compile(schema), name).not.toThrow();
});

test("the page of methods has a row for each", () => {
  const page = docsPage(REGISTRY);
  for (const { prefix, methods } of REGISTRY.groups)
    for (const name of Object.keys(methods)) expect(page).toContain(`| \`${prefix}${name}\` |`);
});

test("a second family stands beside the first one without changes to it", () => {
  const names = [...REGISTRY.methods("v1").keys()];
  expect(names.filter((name) => !name.startsWith("Filecoin.")).length).toBeGreaterThan(5);
});
