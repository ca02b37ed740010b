// SPDX-License-Identifier: GPL-3.0-or-later
// The worker programs themselves: what becomes of one whose supervisor hangs up. Its dispatcher outlives the
// loop, and what it had on the loop must not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <proto/dispatcher.capnp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "common/rpc/channel.h"

namespace smsd {
namespace {

struct Program {
  const char* kind;
  const char* configuration;
};

void PrintTo(const Program& program, std::ostream* out) { *out << program.kind; }

class WorkerProgram : public testing::TestWithParam<Program> {
 protected:
  /// The process, with the other ends of its channel and of the pipe it reads its file from.
  void launch() {
    int channel[2], file[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    ASSERT_EQ(pipe2(file, O_CLOEXEC), 0);
    const std::string name = std::string("smsd-worker-") + GetParam().kind;
    const std::string path = (std::filesystem::canonical("/proc/self/exe").parent_path() / name).string();
    pid_ = fork();
    if (pid_ == 0) {
      fcntl(channel[1], F_SETFD, 0);
      fcntl(file[0], F_SETFD, 0);
      const std::string theirs = std::to_string(channel[1]), config = std::to_string(file[0]);
      execl(path.c_str(), name.c_str(), "--name", "way", "--channel-fd", theirs.c_str(), "--config-fd",
            config.c_str(), nullptr);
      _exit(127);
    }
    close(channel[1]);
    close(file[0]);
    const std::string text = GetParam().configuration;
    EXPECT_EQ(write(file[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(file[1]);
    channel_ = channel[0];
  }

  pid_t pid_ = 0;
  int channel_ = -1;
};

TEST_P(WorkerProgram, EndsWellWhenItsSupervisorHangsUp) {
  ASSERT_NO_FATAL_FAILURE(launch());
  {
    auto io = kj::setupAsyncIo();
    auto stream = io.lowLevelProvider->wrapSocketFd(
        channel_, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
    auto channel = rpc::Channel::connect(kj::mv(stream));
    auto answer = channel->peer().castAs<proto::Dispatcher>().describeRequest().send().wait(io.waitScope);
    EXPECT_GE(answer.getDescription().getWindow(), 1u) << "it serves";
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid_, &status, 0), pid_);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// What `smsd-worker-http --check` prints about the configuration in `file`, and its exit status.
std::pair<std::string, int> checked(int file) {
  int errors[2];
  EXPECT_EQ(pipe2(errors, O_CLOEXEC), 0);
  const std::string name = "smsd-worker-http";
  const std::string path = (std::filesystem::canonical("/proc/self/exe").parent_path() / name).string();
  const std::string config = std::to_string(file);
  const pid_t pid = fork();
  if (pid == 0) {
    fcntl(file, F_SETFD, 0);
    dup2(errors[1], 2);
    execl(path.c_str(), name.c_str(), "--check", "--config-name", "way.yaml", "--config-fd", config.c_str(),
          nullptr);
    _exit(127);
  }
  close(errors[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = read(errors[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  close(errors[0]);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return {said, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(WorkerFile, IsNotTakenForAShorterOneWhenItCannotBeReadOrIsTooLong) {
  const kj::AutoCloseFd folder(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto [said, status] = checked(folder);
  EXPECT_EQ(said, "way.yaml: cannot be read (Is a directory)\n");
  EXPECT_EQ(status, EX_CONFIG);
  const kj::AutoCloseFd file(memfd_create("way", MFD_CLOEXEC));
  const std::string text =
      "url: \"http://127.0.0.1:9/send?to={recipient}&m={text}\"\n" + std::string(3 << 20, '\n');
  ASSERT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(lseek(file, 0, SEEK_SET), 0);
  std::tie(said, status) = checked(file);
  EXPECT_NE(said.find("longer than 256 KiB"), std::string::npos) << said;
  EXPECT_EQ(status, EX_CONFIG);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WorkerProgram,
    testing::Values(
        Program{"http", "url: \"http://127.0.0.1:9/send?to={recipient}&m={text}\"\n"},
        Program{"soap",
                "url: http://127.0.0.1:9/\naction: \"\"\nnamespace: urn:x\nmethod: send\nparameters:\n"
                "  - {name: to, value: \"{recipient}\"}\n  - {name: text, value: \"{text}\"}\n"},
        Program{"mail",
                "server: smtp://127.0.0.1:9\nfrom: smsd@example.org\nto: \"{recipient}@sms.example.org\"\n"}),
    [](const auto& program) { return std::string(program.param.kind); });

}  // namespace
}  // namespace smsd
