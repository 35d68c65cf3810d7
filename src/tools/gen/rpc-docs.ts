/** docs/rpc.md: the page of RPC methods. */
import { REGISTRY } from "../../rpc/api.ts";
import { docsPage } from "../../rpc/docs-page.ts";
import type { GeneratedFile } from "./generator.ts";

export function generateRpcDocs(): GeneratedFile[] {
  return [{ path: "docs/rpc.md", text: docsPage(REGISTRY) }];
}
