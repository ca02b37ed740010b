// SPDX-License-Identifier: GPL-3.0-or-later
// A command dispatcher with a program that a test writes, without a worker around it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "common/fault.h"
#include "common/files/process-files.h"
#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "workers/command/command.h"

namespace smsd::command {

using namespace std::chrono_literals;

/// The processes of this machine whose command line contains `word`.
inline std::vector<int> processesWith(const std::string& word) {
  std::vector<int> found;
  std::error_code error;
  files::anyEntry("/proc", error, [&](const std::filesystem::path& process) {
    const std::string line = files::contentOf(process / "cmdline");
    const std::string name = process.filename();
    if (line.find(word) != std::string::npos && name != std::to_string(::getpid()) && isdigit(name[0]))
      found.push_back(std::stoi(name));
    return false;
  });
  EXPECT_FALSE(error) << error.message();
  return found;
}

// ThreadSanitizer turns vfork into fork, so that a child cannot return why its program was not executed.
#if defined(__SANITIZE_THREAD__)
#define SKIP_WITHOUT_VFORK() GTEST_SKIP() << "ThreadSanitizer has no vfork"
#else
#define SKIP_WITHOUT_VFORK() static_cast<void>(0)
#endif

class CommandTest : public testing::Test {
 protected:
  void TearDown() override { dispatcher.stop(); }

  std::string script(const std::string& text, mode_t mode = 0755) {
    const auto path = folder.path / ("program-" + std::to_string(++scripts));
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  std::string problems(const std::string& keys) {
    config::Keys declared;
    dispatcher.declare(declared);
    return config::describe(declared.read(keys, folder.path / "command.yaml"));
  }

  void start(const std::string& keys) {
    ASSERT_EQ(problems(keys), "");
    dispatcher.policy();
    dispatcher.start(io).wait(io.waitScope);
  }
  void once(const std::string& runtime, const std::string& program, const std::string& more = "") {
    start("program: " + program + "\nmode: once\nruntime: " + runtime + "\n" + more);
  }
  void serve(const std::string& body, const std::string& more = "") {
    start("program: " + script("#!/usr/bin/python3 -IS\nimport json, sys, time, os\n" + body) +
          "\nmode: serve\nruntime: python\n" + more);
  }
  /// Returns the reason why the program cannot start.
  std::string failure(const std::string& body) {
    try {
      serve(body);
    } catch (const kj::Exception& e) {
      return faultOf(e);
    }
    return "";
  }

  kj::Promise<kit::Outcome> give(std::uint64_t attempt, const std::string& text = "alert",
                                 kit::Milliseconds deadline = 20s) {
    return dispatcher.send({.attempt = attempt,
                            .recipient = "+4799887766",
                            .text = text,
                            .key = "key-" + std::to_string(attempt),
                            .deadline = deadline});
  }
  std::string sent(std::uint64_t attempt, const std::string& text = "alert",
                   kit::Milliseconds deadline = 20s) {
    return test::said(give(attempt, text, deadline).wait(io.waitScope));
  }
  std::string spent() { return dispatcher.spent().wait(io.waitScope); }
  void pause() { io.provider->getTimer().afterDelay(5 * kj::MILLISECONDS).wait(io.waitScope); }
  void gone(const std::string& word) {
    for (int i = 0; i < 2000 && !processesWith(word).empty(); ++i) pause();
    EXPECT_TRUE(processesWith(word).empty()) << word;
  }
  std::string marker() const { return "30" + std::to_string(::getpid()); }

  std::unique_ptr<kj::AsyncIoContext> loop = std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  std::unique_ptr<CommandDispatcher> owned = std::make_unique<CommandDispatcher>();
  kj::AsyncIoContext& io = *loop;
  CommandDispatcher& dispatcher = *owned;
  test::Folder folder;
  int scripts = 0;
};

}  // namespace smsd::command
