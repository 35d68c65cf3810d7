/**
 * Parameter files (`.params`) in the layout of bellman and bellperson, read by ranges: a file is never whole in memory.
 *
 *   verifying key: 864 bytes of points, u32 count of ic points, 96 bytes for each
 *   five queries h, l, a, b_g1, b_g2: u32 count, then points: 96 bytes, in b_g2 192. Numbers are big-endian
 * h has one point less than the domain; l one for each auxiliary variable; a one for each input and each auxiliary that
 * occurs in some A row; b_g1 and b_g2 one for each variable that occurs in some B row.
 * Source: bellperson groth16/params.rs, mapped_params.rs.
 */
import { platform } from "#platform";
import { JobError, type Source } from "../source.ts";
import { partOf } from "./circuit.ts";
import { type Group, pointBytes, SnarkError } from "./kernel.ts";

/** Something that holds a whole file. */
export type Content = { readonly file: string } | { readonly blob: Blob } | { readonly bytes: Uint8Array };

const HEAD_BYTES = 868;
/** Most ic points (window PoSt of 32 GiB has 25,840) and points of a query (a domain of 2^31). */
const MAX_IC = 2 ** 20;
const MAX_POINTS = 2 ** 31;

const QUERIES = ["h", "l", "a", "b_g1", "b_g2"] as const;
export type QueryName = (typeof QUERIES)[number];
export type Query = { readonly name: QueryName; readonly group: Group; readonly from: number; readonly count: number };

export type ParamsFile = {
  readonly content: Content;
  /** Bytes of the verifying key, as a `.vk` file has them. */
  readonly verifyingKey: Uint8Array;
  /** Points of ic: inputs with the constant. */
  readonly inputs: number;
  readonly queries: Readonly<Record<QueryName, Query>>;
  readonly size: number;
};

export async function contentSize(content: Content): Promise<number> {
  if ("bytes" in content) return content.bytes.length;
  if ("blob" in content) return content.blob.size;
  const size = await platform.fileSize(content.file);
  if (size === null) throw new SnarkError({ code: "PARAMS_MISSING", name: content.file }, `no file ${content.file}`);
  return size;
}

/** A range of the content, as a job's source. */
export function rangeOf(content: Content, from: number, length: number): Source {
  if ("bytes" in content) return { bytes: partOf(content.bytes, from, from + length) };
  return { ...content, from, length };
}

/** All bytes of a source. Throws `SHORT_SOURCE`. */
export async function bytesOf(source: Source): Promise<Uint8Array> {
  if ("bytes" in source) return source.bytes;
  const { from, length } = source;
  const bytes =
    "file" in source
      ? await platform.readRange(source.file, from, length)
      : new Uint8Array(await source.blob.slice(from, from + length).arrayBuffer());
  if (bytes.length !== length)
    throw new JobError(
      { code: "SHORT_SOURCE", wanted: length, found: bytes.length },
      `the source ended after ${bytes.length} of ${length} bytes`,
    );
  return bytes;
}

function tooShort(found: number, expected: number): SnarkError {
  return new SnarkError(
    { code: "PARAMS_LENGTH", found, expected },
    `the parameters have ${found} bytes, by their header ${expected}: the file was cut, or is another one`,
  );
}

/**
 * Reads the headers of a parameter file and checks that its length is exactly what they say.
 * Errors: `PARAMS_LENGTH`, `PARAMS_HEADER`, `PARAMS_MISSING`.
 */
export async function openParams(content: Content): Promise<ParamsFile> {
  const size = await contentSize(content);
  const read = async (from: number, length: number): Promise<Uint8Array> => {
    if (from + length > size) throw tooShort(size, from + length);
    return bytesOf(rangeOf(content, from, length));
  };
  const numberAt = async (from: number, what: string, least: number, most: number): Promise<number> => {
    const bytes = await read(from, 4);
    const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (value < least || value > most)
      throw new SnarkError({ code: "PARAMS_HEADER", what }, `${value} points in ${what}: these are no parameters`);
    return value;
  };
  const inputs = await numberAt(HEAD_BYTES - 4, "ic", 1, MAX_IC);
  let at = HEAD_BYTES + 96 * inputs;
  const verifyingKey = await read(0, at);
  const queries: Partial<Record<QueryName, Query>> = {};
  for (const name of QUERIES) {
    const count = await numberAt(at, name, 0, MAX_POINTS);
    const group = name === "b_g2" ? 2 : 1;
    queries[name] = { name, group, from: at + 4, count };
    at += 4 + count * pointBytes(group);
  }
  if (at !== size) throw tooShort(size, at);
  return { content, verifyingKey, inputs, queries: queries as Record<QueryName, Query>, size };
}

/** Points `[first, first + count)` of a query, as a job's source. */
export function pointsOf(params: ParamsFile, query: Query, first: number, count: number): Source {
  const size = pointBytes(query.group);
  return rangeOf(params.content, query.from + first * size, count * size);
}
