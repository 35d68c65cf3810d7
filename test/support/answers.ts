/** Answers of the RPC interface checked against the schemas that the interface itself publishes. */
import { Ajv } from "ajv";
import { REGISTRY } from "../../src/rpc/api.ts";
import type { Observer } from "../../src/rpc/dispatcher.ts";
import { openRpc } from "../../src/rpc/openrpc.ts";
import { API_VERSIONS } from "../../src/rpc/versions.ts";

type Check = ((value: unknown) => boolean) & { errors?: unknown };

const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false });
const schemas = new Map(
  API_VERSIONS.flatMap((version) =>
    openRpc(REGISTRY, version, "test").methods.map(({ name, result }) => [`${version} ${name}`, result.schema]),
  ),
);
const checks = new Map<string, Check>();

function checkOf(key: string): Check {
  const known = checks.get(key);
  if (known !== undefined) return known;
  const schema = schemas.get(key);
  if (schema === undefined) throw new Error(`no schema of ${key}`);
  const check = ajv.compile(schema) as Check;
  checks.set(key, check);
  return check;
}

/** Throws if an answer is not what the OpenRPC document says. The answer of a subscription is a channel's number. */
export const checkAnswer: Observer = (version, name, method, result) => {
  // JSON is what clients see.
  const json: unknown = JSON.parse(JSON.stringify(result));
  if (method.subscription === true) {
    if (typeof json !== "number") throw new Error(`${name}: a channel's number expected`);
    return;
  }
  const check = checkOf(`${version} ${name}`);
  if (!check(json))
    throw new Error(
      `${version} ${name}: ${ajv.errorsText(check.errors as never)} in ${JSON.stringify(json).slice(0, 500)}`,
    );
};
