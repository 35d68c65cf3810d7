/**
 * A network that mines and collects without end, in a process of its own: to be killed. Argument: its data folder.
 * Prints "epoch <head> <epoch from which states are kept>" now and then.
 */
import { Devnet } from "../../dist/node/devnet.js";
import { StateCollector } from "../../dist/node/state-collector.js";

const net = await Devnet.open({ seed: "collecting", accounts: 4, blockTime: 3600, data: process.argv[2] });
const { chain } = net.node;
const collector = new StateCollector({ chain, keep: 12, every: 3, batch: 8 });
net.node.add(collector);
await net.node.start();
for (let i = 0; ; i++) {
  const [from, to] = [net.accounts[i % 4].bls, net.accounts[(i + 1) % 4].secp256k1];
  await net.request("MpoolPushMessage", { From: `${from}`, To: `${to}`, Value: "1" }, null);
  await net.clock.mine(1 + (i % 3));
  process.stdout.write(`epoch ${chain.head.height} ${chain.statesFrom}\n`);
}
