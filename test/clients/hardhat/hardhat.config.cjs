/** Hardhat's view of a local network, whose URL the test gives. */
module.exports = {
  defaultNetwork: "filecoin",
  networks: { filecoin: { url: process.env.FILECOIN_URL, chainId: 31415926 } },
};
