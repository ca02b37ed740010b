// SPDX-License-Identifier: GPL-3.0-or-later
// A program for each SMS, behind its lock: its outcome, its end, and the end of all that it starts.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/unit/common/older-landlock.h"
#include "tests/workers/command-bench.h"

namespace smsd::command {
namespace {

/// With the kernel's own Landlock (0), or an older one.
class CommandOnAKernel : public CommandTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override { sandbox::fakeLandlockAbi(GetParam()); }
  void TearDown() override {
    CommandTest::TearDown();
    sandbox::fakeLandlockAbi(0);
  }
};

INSTANTIATE_TEST_SUITE_P(Abi, CommandOnAKernel, testing::Values(0, 1, 2, 5));

TEST_F(CommandTest, TakesTheExitStatusForTheOutcomeAndTheFirstLineForItsWords) {
  once("shell", script("#!/bin/sh\necho \"ref-$SMSD_KEY\"\necho more\nexit \"$SMSD_TEXT\"\n"));
  const std::vector<std::pair<std::string, std::string>> table = {
      {"0", "accepted: ref-key-1"},
      {"65", "refused: ref-key-1"},
      {"69", "broken: ref-key-1"},
      {"75", "deferred: ref-key-1"},
      {"78", "broken: ref-key-1"},
      {"1", "unknown: the program ended with status 1: ref-key-1"},
      {"255", "unknown: the program ended with status 255: ref-key-1"},
  };
  for (auto& [status, outcome] : table) EXPECT_EQ(sent(1, status), outcome);
}

TEST_F(CommandTest, TakesEverySignalForUnknown) {
  once("shell", script("#!/bin/sh\necho ref\nkill -\"$SMSD_TEXT\" $$\n"));
  EXPECT_EQ(sent(1, "KILL"), "unknown: the program was ended by signal 9 (Killed)");
  EXPECT_EQ(sent(2, "TERM"), "unknown: the program was ended by signal 15 (Terminated)");
}

TEST_F(CommandTest, GivesAProgramTheSmsOnStdinAndInItsEnvironmentAndNothingElse) {
  ::setenv("CANARY", "canary", 1);
  once("python",
       script("#!/usr/bin/python3 -IS\n"
              "import json, os, sys\n"
              "sms = json.loads(sys.stdin.read())\n"
              "print(json.dumps([sorted(os.environ), sms['text'], os.environ['SMSD_TEXT'], sys.argv[1:], "
              "os.getcwd()]))\n"),
       "arguments: [\"$HOME `id` *\", '', \"a b\"]\n");
  EXPECT_EQ(
      sent(7, "line 1\nline \"2\""),
      "accepted: [[\"LANG\", \"PATH\", \"SMSD_DEADLINE_MS\", \"SMSD_ID\", \"SMSD_KEY\", \"SMSD_PARTS\", "
      "\"SMSD_RECIPIENT\", \"SMSD_TEXT\"], \"line 1\\nline \\\"2\\\"\", \"line 1\\nline \\\"2\\\"\", "
      "[\"$HOME `id` *\", \"\", \"a b\"], \"/\"]");
}

TEST_F(CommandTest, CallsAProgramThatCannotBeExecutedBroken) {
  SKIP_WITHOUT_VFORK();
  once("shell", script("#!/bin/sh\n", 0644));
  EXPECT_EQ(sent(1).substr(0, 59), "broken: the program cannot be executed: Permission denied; ");
}

TEST_F(CommandTest, CallsAProgramWithoutItsInterpreterBroken) {
  SKIP_WITHOUT_VFORK();
  once("native", script("#!/bin/sh\n"));  // `runtime` does not name it
  EXPECT_EQ(sent(1).substr(0, 59), "broken: the program cannot be executed: Permission denied; ");
}

TEST_F(CommandTest, IsSpentWhenItsProgramWasReplacedAndNoneRunsAnyMore) {
  SKIP_WITHOUT_VFORK();
  const std::string running = "1.0" + marker();
  const std::string file = script("#!/bin/sh\n[ \"$SMSD_TEXT\" = x ] || /bin/sleep " + running + "\n");
  once("shell", file, "executable: [/bin/sleep]\n");
  auto longer = give(1);
  while (processesWith(running).empty()) pause();
  EXPECT_EQ(sent(2, "x"), "accepted");
  std::filesystem::rename(script("#!/bin/sh\n"), file);
  EXPECT_EQ(sent(3).substr(0, 59), "broken: the program cannot be executed: Permission denied; ");
  EXPECT_EQ(test::said(longer.wait(io.waitScope)), "accepted");
  EXPECT_EQ(spent().substr(0, 51), "the program cannot be executed: Permission denied; ");
}

TEST_F(CommandTest, RefusesToStartWithoutItsProgram) {
  ASSERT_EQ(problems("program: /no/such\nmode: once\n"), "");
  try {
    dispatcher.policy();
    FAIL() << "expected an exception";
  } catch (const Explained& e) {
    EXPECT_STREQ(e.what(), "`program` /no/such is not a file that can be started: No such file or directory");
  }
}

TEST_F(CommandTest, StartsAnInterpreterThatIsNamedAsTheProgram) {
  const std::string file = script("print('by name')\n", 0644);
  once("python", "/usr/bin/python3", "arguments: [-IS, " + file + "]\nreadable: [" + file + "]\n");
  EXPECT_EQ(sent(1), "accepted: by name");
}

TEST_F(CommandTest, StartsAScriptOfPerl) {
  if (!std::filesystem::exists("/usr/bin/perl")) GTEST_SKIP() << "needs perl";
  once("perl",
       script(
           "#!/usr/bin/perl\nuse strict; use warnings; use POSIX;\nprint \"$ENV{SMSD_KEY}\\n\";\nexit 0;\n"));
  EXPECT_EQ(sent(5), "accepted: key-5");
}

TEST_P(CommandOnAKernel, EndsAProgramAndAllItsDescendantsAtTheDeadline) {
  const std::string longer = marker() + "1", session = marker() + "2";
  once("shell",
       script("#!/bin/sh\n/usr/bin/setsid /bin/sleep " + session + " &\n/bin/sleep " + longer + "\n"),
       "executable: [/usr/bin/setsid, /bin/sleep]\n");
  auto outcome = give(1, "alert", 700ms);
  while (processesWith(session).empty() && !outcome.poll(io.waitScope)) pause();
  EXPECT_FALSE(processesWith(session).empty()) << "else the test shows nothing";
  EXPECT_EQ(test::said(outcome.wait(io.waitScope)),
            "unknown: the program did not end by the deadline and was killed");
  gone(longer);
  gone(session);
}

TEST_P(CommandOnAKernel, EndsWhatAProgramLeavesBehindBeforeItsOutcome) {
  const std::string left = marker() + "3";
  once("shell", script("#!/bin/sh\n(/usr/bin/setsid /bin/sleep " + left + " &)\necho ref\n"),
       "executable: [/usr/bin/setsid, /bin/sleep]\n");
  EXPECT_EQ(sent(1), "accepted: ref");
  EXPECT_TRUE(processesWith(left).empty());
}

TEST_P(CommandOnAKernel, CannotStopTheProcessThatEndsIt) {
  once("shell", script("#!/bin/sh\nkill -STOP $PPID 2>/dev/null\necho \"kill: $?\"\n"));
  EXPECT_EQ(sent(1, "alert", 3s), "accepted: kill: 1");
}

TEST_F(CommandTest, LeavesALineThatItOpensWithoutATerminalOfItsOwn) {
  const int line = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(line >= 0 && ::grantpt(line) == 0 && ::unlockpt(line) == 0);
  const std::string device = ::ptsname(line);
  once("python",
       script("#!/usr/bin/python3 -IS\nimport os, sys\nline = os.open(sys.argv[1], os.O_RDWR)\ntry:\n"
              "    os.tcgetpgrp(line)\n    print('its end hangs up the line')\nexcept OSError as e:\n"
              "    print(e.strerror)\n"),
       "arguments: [" + device + "]\ndevices: [" + device + "]\n");
  EXPECT_EQ(sent(1), "accepted: Inappropriate ioctl for device");
  ::close(line);
}

TEST_F(CommandTest, RunsAsManyProgramsAtOnceAsItsWindow) {
  once("shell", script("#!/bin/sh\n/bin/sleep \"$SMSD_TEXT\"\n"), "window: 8\nexecutable: [/bin/sleep]\n");
  EXPECT_EQ(dispatcher.traits().window, 8U);
  const auto began = io.provider->getTimer().now();
  std::vector<kj::Promise<kit::Outcome>> all;
  for (std::uint64_t i = 0; i < 8; ++i) all.push_back(give(i, "1"));
  for (auto& one : all) EXPECT_EQ(test::said(one.wait(io.waitScope)), "accepted");
  EXPECT_LT(io.provider->getTimer().now() - began, 6 * kj::SECONDS);
}

TEST_F(CommandTest, NeitherWaitsForNorIsHeldUpByWhatAProgramReadsOrWrites) {
  once("python", script("#!/usr/bin/python3 -IS\nimport sys\nsys.stdout.write('x' * "
                        "5000000)\nsys.stderr.write('y' * 5000000)\n"));
  EXPECT_EQ(sent(1, std::string(16000, '\x01')).substr(0, 20), "accepted: xxxxxxxxxx");
}

TEST_F(CommandTest, IsSpentWhenItsStarterDiesAndThePrograms) {
  const std::string running = marker() + "4";
  once("shell", script("#!/bin/sh\n/usr/bin/setsid /bin/sleep " + running + "\n"),
       "executable: [/usr/bin/setsid, /bin/sleep]\n");
  auto outcome = give(1);
  while (processesWith(running).empty()) pause();
  std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (int child = 0; file >> child;) ::kill(child, SIGKILL);
  EXPECT_EQ(spent(), "the process that starts programs has ended");
  gone(running);
}

TEST_F(CommandTest, GivesAProgramItsSecretsAndNoOther) {
  std::ofstream(folder.path / "token.secret") << "s3cret-token\n";
  std::ofstream(folder.path / "other.secret") << "other\n";
  for (auto name : {"token.secret", "other.secret"}) ::chmod((folder.path / name).c_str(), 0600);
  once(
      "python",
      script(
          "#!/usr/bin/python3 -IS\nimport os\nfolder = os.environ['CREDENTIALS_DIRECTORY']\n"
          "print(os.listdir(folder), len(open(folder + '/token').read()), open(folder + '/token').read())\n"),
      "secrets: [{name: token, file: token.secret}]\n");
  EXPECT_EQ(sent(1), "accepted: ['token'] 13 (hidden)");
  dispatcher.stop();
  std::error_code none;
  for (auto& entry : std::filesystem::directory_iterator("/tmp")) {
    if (!entry.path().filename().string().starts_with("smsd-command-")) continue;
    EXPECT_NE(std::filesystem::read_symlink(entry.path() / "token", none), folder.path / "token.secret");
  }
}

TEST_F(CommandTest, RemovesASecretThatBeginsWhereALineIsCut) {
  std::ofstream(folder.path / "token.secret") << "s3cret-token-" << std::string(700, 't') << "\n";
  ::chmod((folder.path / "token.secret").c_str(), 0600);
  once("python",
       script("#!/usr/bin/python3 -IS\nimport os, sys\n"
              "secret = open(os.environ['CREDENTIALS_DIRECTORY'] + '/token').read()\n"
              "print('x' * 1000 + secret, file=sys.stderr)\nprint('x' * 390 + secret)\n"),
       "secrets: [{name: token, file: token.secret}]\n");
  testing::internal::CaptureStderr();
  const std::string outcome = sent(1);
  for (int i = 0; i < 20; ++i) pause();
  const std::string journal = testing::internal::GetCapturedStderr();
  EXPECT_EQ(outcome.substr(outcome.size() - 9), "x(hidden)");
  EXPECT_NE(journal.find("xxxx(hidden)"), std::string::npos) << journal;
  EXPECT_EQ(journal.find("s3cret"), std::string::npos);
}

TEST_F(CommandTest, ReadsItsKeys) {
  EXPECT_NE(problems("mode: once\n").find("program is missing"), std::string::npos);
  for (auto& [keys, problem] : std::vector<std::pair<std::string, std::string>>{
           {"program: send.py\nmode: once\n", "program: expected a path that begins with /"},
           {"program: /p\nmode: once\nreadable: [a]\n", "readable: expected paths that begin with /"},
           {"program: /p\nmode: once\nconnect_ports: [80]\n",
            "connect_ports: expected `network: outbound` with it"},
           {"program: /p\nmode: serve\nknows_keys: true\n",
            "knows_keys: expected in the first line of the program, because the mode is serve"},
           {"program: /p\nmode: once\narguments: yes\n", "arguments: found a text"},
           {"program: /p\nmode: once\nwindow: 65\n", "window: is 65, expected at most 64 with `mode: once`"},
       }) {
    CommandDispatcher fresh;
    config::Keys declared;
    fresh.declare(declared);
    EXPECT_NE(config::describe(declared.read(keys, "command.yaml")).find(problem), std::string::npos) << keys;
  }
  EXPECT_EQ(problems("program: /p\nmode: once\nwindow: 64\n"), "");
  EXPECT_EQ(problems("program: /p\nmode: serve\nwindow: 256\n"), "");
}

}  // namespace
}  // namespace smsd::command
