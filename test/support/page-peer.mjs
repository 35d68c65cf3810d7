/**
 * A node with miners in a process of its own, for pages: it listens by WebSocket and mines an epoch every second.
 * Prints {"address", "genesis", "name"} as one line of JSON when it listens.
 */
import { Devnet } from "../../dist/node/devnet.js";
import { PeerPart } from "../../dist/node/peer-part.js";
import { memorySecrets } from "../../dist/platform/secrets.js";

const EPOCH_MS = 1000;
const EPOCHS_BEFORE = 6;
const net = await Devnet.open({ seed: "peers", miners: 2, accounts: 2 });
const { local, node } = net;
const fail = (where, error) => {
  process.stderr.write(`${where}: ${error?.stack ?? error}\n`);
};
const peers = new PeerPart({
  node,
  validator: local.validator(node.states),
  verifyBls: (key, message, signature) => node.crypto.blsVerify(key, message, signature),
  genesisTime: net.options.genesisTime,
  secrets: memorySecrets(),
  listen: ["/ip4/127.0.0.1/tcp/0/ws"],
  bootstrap: [],
  userAgent: "filigree-test",
  local: true,
  now: Date.now,
  onFault: fail,
});
node.add(peers);
net.clock.setAutomine(false);
await node.start();

async function mine() {
  const tipset = await net.clock.mine(1);
  for (const header of tipset.blocks) await peers.publishBlock({ header, messages: await node.chain.messages(header) });
}
for (let i = 0; i < EPOCHS_BEFORE; i++) await mine();
const [genesis] = (await node.chain.genesis()).key;
process.stdout.write(
  `${JSON.stringify({ address: peers.addresses()[0], genesis: `${genesis}`, name: node.states.network.name })}\n`,
);
for (;;) {
  await mine().catch((error) => fail("mining", error));
  await new Promise((resolve) => setTimeout(resolve, EPOCH_MS));
}
