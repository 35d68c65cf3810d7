// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Token} from "../src/token.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// A script for forge: two tokens, one of them by the deterministic deployer, and a transfer.
contract Deploy {
    bool public constant IS_SCRIPT = true;
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function run() external {
        vm.startBroadcast();
        Token first = new Token(1000);
        require(first.transfer(address(0xaa), 7));
        Token second = new Token{salt: bytes32(uint256(1))}(5);
        require(second.totalSupply() == 5);
        vm.stopBroadcast();
    }
}
