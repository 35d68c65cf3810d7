/**
 * Runs command lines as `main.js` does, one after the other in one process: each a line of JSON on standard input, and on standard
 * output the line of what came of it.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runWords } from "../../dist/cli/program.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const answer = process.stdout.write.bind(process.stdout);
let told = { out: "", err: "" };
const into = (name) => (text, encoding, done) => {
  told[name] += typeof text === "string" ? text : Buffer.from(text).toString();
  (typeof encoding === "function" ? encoding : done)?.();
  return true;
};
process.stdout.write = into("out");
process.stderr.write = into("err");

for await (const line of createInterface({ input: process.stdin })) {
  const { args, env } = JSON.parse(line);
  told = { out: "", err: "" };
  process.exitCode = undefined;
  const before = { ...process.env };
  Object.assign(process.env, env);
  await runWords(version, args);
  for (const name of Object.keys(env)) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  answer(`${JSON.stringify({ code: Number(process.exitCode ?? 0), ...told })}\n`);
}
process.exitCode = 0;
