// SPDX-License-Identifier: GPL-3.0-or-later
// The check of the dispatchers' files by their worker programs: programs that answer well, badly, or never.
#include "supervisor/startup/start-up.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

namespace smsd::startup {
namespace {

namespace fs = std::filesystem;

class StartUpCheck : public testing::Test {
 protected:
  StartUpCheck() { fs::create_directory(folder); }
  ~StartUpCheck() noexcept override { fs::remove_all(folder); }

  /// A worker program that does what `script` says when it is asked to check its file.
  keeper::SpawnPlan worker(const std::string& name, const std::string& script) {
    fs::path program = folder / ("worker-" + name);
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    EXPECT_EQ(chmod(program.c_str(), 0700), 0);
    fs::path file = folder / (name + ".yaml");
    std::ofstream(file) << "result: accept\n";
    return {.program = program,
            .config = file,
            .name = name,
            .folder = folder,
            .content = std::make_shared<kj::AutoCloseFd>(::open(file.c_str(), O_RDONLY | O_CLOEXEC))};
  }
  /// Answers only when it is ended.
  keeper::SpawnPlan silentWorker(const std::string& name) { return worker(name, "exec tail -f /dev/null"); }

  DispatcherProblems problems(const std::vector<keeper::SpawnPlan>& plans, kj::Duration patience) {
    return findDispatcherProblems(io, plans, patience).wait(io.waitScope);
  }

  fs::path folder = fs::path(testing::TempDir()) / ("smsd-start-up-" + std::to_string(getpid()));
  kj::AsyncIoContext io = kj::setupAsyncIo();
};

/// For the calling thread alone. With no descriptor left for the whole process, UBSan could not work either.
void refuseMemoryFiles(int error) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  ASSERT_NE(filter, nullptr);
  EXPECT_EQ(seccomp_rule_add(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), SCMP_SYS(memfd_create), 0),
            0);
  EXPECT_EQ(seccomp_load(filter), 0);
  seccomp_release(filter);
}

constexpr auto ample = CHECK_PATIENCE;
constexpr auto brief = 50 * kj::MILLISECONDS;

TEST_F(StartUpCheck, FindsNothingWhereEveryWorkerIsContent) {
  auto found = problems({worker("one", "exit 0"), worker("two", "exit 0"), keeper::SpawnPlan{}}, ample);
  EXPECT_TRUE(found.none()) << found.text();
  EXPECT_EQ(found.status(), EX_OK);
}

TEST_F(StartUpCheck, CallsAFileThatAWorkerRefusesAWrongConfiguration) {
  auto found =
      problems({worker("one", "echo one.yaml:1:2: no >&2; exit 78"), worker("two", "exit 1")}, ample);
  EXPECT_EQ(found.silent, "");
  EXPECT_TRUE(found.wrong.starts_with("one.yaml:1:2: no\n")) << found.wrong;
  EXPECT_NE(found.wrong.find("two --check failed and printed nothing"), std::string::npos) << found.wrong;
  EXPECT_EQ(found.status(), EX_CONFIG);
}

TEST_F(StartUpCheck, CallsAWorkerThatDoesNotAnswerATemporaryFailureAndSaysWhatToDo) {
  auto plan = silentWorker("modem");
  auto found = problems({plan}, brief);
  EXPECT_EQ(found.wrong, "");
  const std::string byHand = "--check --config " + plan.config.string();
  for (const std::string& words :
       {std::string("dispatcher modem"), std::string("within 0.05 seconds"), std::string("later"), byHand})
    EXPECT_NE(found.silent.find(words), std::string::npos) << words << ": " << found.silent;
  EXPECT_EQ(found.status(), EX_TEMPFAIL);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "the worker is still there";
  try {
    checkDispatchers(io, {plan}, brief);
    FAIL() << "was taken for good";
  } catch (const StartUpError& e) {
    EXPECT_EQ(e.status(), EX_TEMPFAIL);
    EXPECT_NE(std::string(e.what()).find("dispatcher modem"), std::string::npos);
  }
}

TEST_F(StartUpCheck, CallsItATemporaryFailureIfItCannotReadTheWordsOfAWorker) {
  const auto plan = worker("modem", "echo modem.yaml:1:2: no >&2; exit 78");
  DispatcherProblems found;
  std::thread([&]() {
    refuseMemoryFiles(EMFILE);
    auto own = kj::setupAsyncIo();
    found = findDispatcherProblems(own, {plan}, ample).wait(own.waitScope);
  }).join();
  EXPECT_EQ(found.wrong, "");
  EXPECT_EQ(found.silent, "dispatcher modem: its file was not checked, because the errors of " +
                              plan.program.string() +
                              " cannot be stored (Too many open files); start again later\n");
  EXPECT_EQ(found.status(), EX_TEMPFAIL);
}

TEST_F(StartUpCheck, CallsWhatIsWrongForGoodBesideASilenceAWrongConfiguration) {
  DispatcherProblems both{"a.yaml:1:1: no\n", "dispatcher b: silent\n"};
  EXPECT_EQ(both.status(), EX_CONFIG);
  EXPECT_EQ(both.text(), "a.yaml:1:1: no\ndispatcher b: silent\n");
  auto found = problems({silentWorker("a"), silentWorker("b")}, brief);
  EXPECT_NE(found.silent.find("dispatcher a"), std::string::npos);
  EXPECT_NE(found.silent.find("dispatcher b"), std::string::npos);
}

}  // namespace
}  // namespace smsd::startup
