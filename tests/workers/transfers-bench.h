// SPDX-License-Identifier: GPL-3.0-or-later
// Transfers to the gateways of the tests.
#pragma once

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <memory>
#include <string>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "workers/net/transfers.h"

namespace smsd::net {

using namespace std::chrono_literals;
using test::Certificates;
using test::Gateway;
using test::Nginx;

inline std::string url(std::uint16_t port, const std::string& rest = "/",
                       const std::string& start = "http://127.0.0.1") {
  return start + ":" + std::to_string(port) + rest;
}

inline std::string nameOf(const Exchange& exchange) { return test::kindOf(outcomeOf(exchange, "gateway")); }

class TransfersTest : public testing::Test {
 protected:
  ~TransfersTest() noexcept override = default;
  Transfers& transfers() {
    if (!transfers_) transfers_ = std::make_unique<Transfers>(settings, io);
    return *transfers_;
  }
  Exchange get(const std::string& target, Milliseconds deadline = 10s) {
    return transfers().run({target, {}, deadline}).wait(io.waitScope);
  }
  std::string outcomeOfGet(const std::string& target, Milliseconds deadline = 10s) {
    return nameOf(get(target, deadline));
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TransferSettings settings{.connections = 64, .connectTimeout = 5s, .authorities = ""};
  std::unique_ptr<Transfers> transfers_;
};

}  // namespace smsd::net
