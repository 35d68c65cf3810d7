/** What the tests use of the reference's JavaScript client, whose packages bring no types. */
declare module "@filecoin-shipyard/lotus-client-provider-nodejs" {
  export class NodejsProvider {
    constructor(url: string, options?: { readonly token?: string });
  }
}

declare module "@filecoin-shipyard/lotus-client-schema" {
  export const mainnet: { readonly fullNode: { readonly methods: Readonly<Record<string, object>> } };
}
