/** Paths of the server are versions of the interface: `/rpc/v0` (the network's older one) and `/rpc/v1`. */
export type ApiVersion = "v0" | "v1";
export const API_VERSIONS: readonly ApiVersion[] = ["v0", "v1"];
