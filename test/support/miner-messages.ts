/** What a network's own miner has sent, and what it has come to. */
import type { Devnet } from "../../src/node/devnet.ts";
import type { Tipset } from "../../src/types/block-header.ts";

/** Raw bytes of the miner's sectors that have power, as the network says. */
export async function powerOf(net: Devnet): Promise<string> {
  return (await net.request("StateMinerPower", net.miner.toString("t"), [])).MinerPower.RawBytePower;
}

/** Methods of the messages to the miner from an epoch on, in the order of blocks. */
export async function methodsFrom(net: Devnet, epoch: number): Promise<number[]> {
  const methods: number[] = [];
  const { chain } = net.node;
  for (let at: Tipset | null = net.head; at !== null && at.height >= epoch; at = await chain.parent(at))
    for (const header of at.blocks) {
      const { bls, secp } = await chain.messages(header);
      const all = [...bls, ...secp.map(({ message }) => message)];
      methods.unshift(...all.filter(({ to }) => to.equals(net.miner)).map(({ method }) => Number(method)));
    }
  return methods;
}
