/** Run by Hardhat: deploys an ERC-20 token from the node's first account, moves some of it, and says what it found. */
const { network } = require("hardhat");
const token = require("../../fixtures/contracts/token.json");

const word = (value) => BigInt(value).toString(16).padStart(64, "0");
const ask = (method, ...params) => network.provider.request({ method, params });

async function mined(transaction) {
  const hash = await ask("eth_sendTransaction", transaction);
  for (;;) {
    const receipt = await ask("eth_getTransactionReceipt", hash);
    if (receipt !== null) return receipt;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function main() {
  const [from, to] = await ask("eth_accounts");
  const made = await mined({ from, data: token.bytecode + word(100) });
  const snapshot = await ask("evm_snapshot");
  const moved = await mined({ from, to: made.contractAddress, data: `0xa9059cbb${word(to)}${word(7)}` });
  const balance = () => ask("eth_call", { to: made.contractAddress, data: `0x70a08231${word(to)}` }, "latest");
  const after = Number(await balance());
  await ask("evm_revert", snapshot);
  await ask("hardhat_mine", "0x1");
  const told = {
    made: made.status,
    moved: moved.status,
    logs: moved.logs.length,
    after,
    reverted: Number(await balance()),
  };
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
