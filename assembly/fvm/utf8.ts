/** Checking texts that guests give. Source: RFC 3629. */
import { Bytes } from "../base/bytes";

/** True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUtf8(bytes: Bytes): bool {
  const n = bytes.length;
  for (let i = 0; i < n; ) {
    const first = bytes[i++];
    if (first < 0x80) continue;
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    if (more == 0 || i + more > n) return false;
    const second = bytes[i];
    if (first == 0xe0 && second < 0xa0) return false;
    if (first == 0xed && second > 0x9f) return false;
    if (first == 0xf0 && second < 0x90) return false;
    if (first == 0xf4 && second > 0x8f) return false;
    for (let j = 0; j < more; j++) if ((bytes[i++] & 0xc0) != 0x80) return false;
  }
  return true;
}

/** True where a character of well-formed UTF-8 begins, and at the end. */
export function isBoundary(bytes: Bytes, at: i32): bool {
  return at == bytes.length || (bytes[at] & 0xc0) != 0x80;
}
