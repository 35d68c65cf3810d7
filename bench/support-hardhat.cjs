/** Settings of the network that ours is measured beside: its defaults. */
module.exports = { solidity: "0.8.28", networks: { hardhat: { chainId: 31337 } } };
