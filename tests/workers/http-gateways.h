// SPDX-License-Identifier: GPL-3.0-or-later
// An HTTP dispatcher before a gateway of the tests.
#pragma once

#include <gtest/gtest.h>
#include <kj/vector.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "workers/http/http.h"

namespace smsd::http {

using namespace std::chrono_literals;
using test::Certificates;
using test::Gateway;
using test::HttpProxy;
using test::Nginx;
using test::said;

class Gateways : public testing::Test {
 protected:
  ~Gateways() noexcept override = default;

  /// A file that only we may read.
  std::string file(const std::string& name, const std::string& content) {
    auto path = folder.path / name;
    std::ofstream(path) << content;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }
  void serve(std::uint16_t port, const std::string& more, const std::string& path = "/",
             const std::string& start = "http://127.0.0.1") {
    dispatcher = std::make_unique<HttpDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    auto problems = keys.read(
        "url: \"" + start + ":" + std::to_string(port) + path + "?to={recipient}&m={text}\"\n" + more,
        "gateway.yaml");
    ASSERT_EQ(config::describe(problems), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  std::string send(const std::string& text = "router down", const std::string& recipient = "+4799999999",
                   kit::Milliseconds deadline = 20s) {
    return said(
        dispatcher
            ->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = deadline})
            .wait(io.waitScope));
  }
  /// So many SMS, some at once: how many had which outcome.
  std::map<std::string, int> sendMany(int total, int atOnce) {
    std::map<std::string, int> told;
    int left = total;
    std::vector<std::string> keys(total + 1);
    for (int i = 0; i <= total; ++i) keys[i] = "k-" + std::to_string(i);
    std::function<kj::Promise<void>()> line = [&]() -> kj::Promise<void> {
      if (left-- <= 0) return kj::READY_NOW;
      return dispatcher
          ->send({.attempt = 1, .recipient = "1", .text = "x", .key = keys[left + 1], .deadline = 50s})
          .then([&](kit::Outcome outcome) {
            auto words = said(outcome);
            ++told[words.substr(0, words.find(':'))];
            return line();
          });
    };
    kj::Vector<kj::Promise<void>> lines;
    for (int i = 0; i < atOnce; ++i) lines.add(line());
    kj::joinPromises(lines.releaseAsArray()).wait(io.waitScope);
    return told;
  }
  static Certificates& certificates() {
    static Certificates made;
    return made;
  }
  std::string withAuthority() { return "ca_file: " + certificates().authorityFile().string() + "\n"; }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  std::unique_ptr<HttpDispatcher> dispatcher;
};

}  // namespace smsd::http
