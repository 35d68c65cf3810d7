/** Filecoin.Auth*: tokens. */
import { utf8 } from "../../base/bytes.ts";
import { makeToken, PERMISSIONS, verifyToken } from "../auth.ts";
import { bytes } from "../codec/chain-types.ts";
import { choice, list, text } from "../codec/codec.ts";
import { group, method, param } from "../method.ts";

const permissions = list(choice(...PERMISSIONS), 16);

export const authGroup = group("Auth", "Tokens and what they allow.", {
  AuthNew: method({
    summary: "Makes a token that allows what is listed; its bytes are its text.",
    permission: "admin",
    params: [param("permissions", permissions)],
    result: bytes(),
    run: ([allow], { node }) => utf8(makeToken(node.tokenSecret, allow)),
  }),
  AuthVerify: method({
    summary: "What a token allows; an error if it is not this node's or has expired.",
    params: [param("token", text(4096))],
    result: permissions,
    run: ([token], { node }) => verifyToken(node.tokenSecret, token, Math.floor(node.now() / 1000)),
  }),
});
