// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Token} from "../src/token.sol";

interface Vm {
    function envAddress(string calldata name) external returns (address);
    function prank(address sender) external;
}

/// A test for forge on a fork of the network: the token there is used, and the network hears nothing of it.
contract ForkTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function test_token() public {
        Token token = Token(payable(vm.envAddress("TOKEN")));
        address owner = vm.envAddress("OWNER");
        require(block.chainid == 31415926, "chain");
        require(owner.balance > 1 ether, "balance");
        require(token.totalSupply() == 1000, "supply");
        uint256 before = token.balanceOf(address(0xbb));
        vm.prank(owner);
        require(token.transfer(address(0xbb), 3), "transfer");
        require(token.balanceOf(address(0xbb)) == before + 3, "moved");
    }
}
