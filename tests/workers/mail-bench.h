// SPDX-License-Identifier: GPL-3.0-or-later
// A mail dispatcher before a mail server of the tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/workers/mail-peers.h"
#include "tests/workers/outcome-words.h"
#include "workers/mail/mail.h"

namespace smsd::mail {

using namespace std::chrono_literals;
using test::kindOf;
using test::MailServer;
using test::wordsOf;

inline const std::string addresses = "from: smsd@example.org\nto: \"{recipient}@sms.example.org\"\n";

class MailTest : public testing::Test {
 protected:
  ~MailTest() noexcept override = default;
  void serve(const MailServer& server, const std::string& more = "", const std::string& scheme = "smtp") {
    dispatcher = std::make_unique<MailDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    std::string yaml = "server: " + scheme + "://127.0.0.1:" + std::to_string(server.port()) + "\n" + more;
    if (more.find("to: ") == std::string::npos) yaml += addresses;
    ASSERT_EQ(config::describe(keys.read(yaml, "mail.yaml")), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  kit::Outcome send(const std::string& recipient = "+4799887766",
                    const std::string& text = "core-gw1 is down", Milliseconds deadline = 20s) {
    return dispatcher
        ->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = deadline})
        .wait(io.waitScope);
  }
  std::string passwordFile(const std::string& password) {
    auto path = folder.path / "password";
    std::ofstream(path) << password << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  std::unique_ptr<MailDispatcher> dispatcher;
};

}  // namespace smsd::mail
