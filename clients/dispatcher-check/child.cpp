// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "clients/dispatcher-check/findings.h"
#include "common/text/utf.h"

namespace smsd::check {
namespace {

constexpr std::size_t mostOutput = 2048;
constexpr int firstFree = 100;  // our descriptors are moved above the numbers of the child's

/// Leaves the variables that smsd passes on, and those of the start.
void setEnvironment(const Start& start) {
  std::vector<std::pair<std::string, std::string>> kept;
  for (const char* name : {"PATH", "LANG", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) kept.emplace_back(name, value);
  clearenv();
  kept.insert(kept.end(), start.environment.begin(), start.environment.end());
  for (const auto& [name, value] : kept) setenv(name.c_str(), value.c_str(), 1);
  if (start.listens == Start::Listens::yes) setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

/// The child, from the fork to the program. This process has one thread, so every function may be called.
/// Returns only on failure, with errno set.
void becomeProgram(const Start& start, int output, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  for (int number : {SIGCHLD, SIGPIPE, SIGINT, SIGTERM}) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setsid() < 0) return;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) return;
  std::vector<int> moved;
  for (const auto& [from, to] : start.descriptors) moved.push_back(fcntl(from, F_DUPFD_CLOEXEC, firstFree));
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return;
  for (std::size_t i = 0; i < moved.size(); ++i)
    if (dup2(moved[i], start.descriptors[i].second) < 0) return;
  if (!start.folder.empty() && chdir(start.folder.c_str()) != 0) return;
  setEnvironment(start);
  std::vector<std::string> words = {start.program.string()};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
}

struct Pipe {
  kj::AutoCloseFd read, write;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Hopeless(EX_OSERR, "cannot make a pipe");
    read = kj::AutoCloseFd(ends[0]);
    write = kj::AutoCloseFd(fcntl(ends[1], F_DUPFD_CLOEXEC, firstFree));
    close(ends[1]);
  }
};

std::set<pid_t> ownChildren() {
  std::ifstream list(fmt::format("/proc/self/task/{}/children", getpid()));
  return {std::istream_iterator<pid_t>(list), {}};
}

/// Ends the processes that the program has started in other process groups. They are children of this process
/// because their parents have ended. `others`: children that this process had before.
void endOrphans(const std::set<pid_t>& others) {
  for (bool found = true; found;) {
    found = false;
    for (pid_t orphan : ownChildren()) {
      if (others.contains(orphan)) continue;
      found = true;
      ::kill(orphan, SIGKILL);
      waitpid(orphan, nullptr, 0);
    }
  }
}

}  // namespace

Child::Child(kj::AsyncIoContext& io, const Start& start) {
  Pipe output, failure;
  others_ = ownChildren();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw Hopeless(EX_OSERR, "cannot start a process");
  if (pid == 0) {
    becomeProgram(start, output.write.get(), parent);
    const int error = errno;
    [[maybe_unused]] ssize_t written = write(failure.write.get(), &error, sizeof error);
    _exit(EX_OSERR);
  }
  pid_ = group_ = pid;
  over_ = io.unixEventPort.onChildExit(pid_).then([this](int status) { status_ = status; }).fork();
  output.write = nullptr;
  failure.write = nullptr;
  int error = 0;
  if (read(failure.read.get(), &error, sizeof error) == sizeof error)
    throw Hopeless(EX_NOINPUT,
                   fmt::format("{}: cannot be started: {}", start.program.string(), strerror(error)));
  output_ = io.lowLevelProvider->wrapInputFd(kj::mv(output.read));
  reading_ = readOutput().eagerlyEvaluate([](kj::Exception&&) {});
}

Child::~Child() noexcept(false) {
  ::kill(-group_, SIGKILL);
  KJ_IF_MAYBE (pid, pid_) {
    over_ = kj::Promise<void>(kj::READY_NOW).fork();
    while (waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  endOrphans(others_);
}

void Child::terminate() {
  KJ_IF_MAYBE (pid, pid_) ::kill(*pid, SIGTERM);
}

kj::Promise<void> Child::readOutput() {
  return output_->tryRead(buffer_, 1, sizeof buffer_).then([this](std::size_t got) -> kj::Promise<void> {
    if (got == 0) return kj::READY_NOW;
    written_.append(buffer_, got);
    if (written_.size() > mostOutput) written_.erase(0, written_.size() - mostOutput);
    return kj::evalLater([this]() { return readOutput(); });
  });
}

std::string Child::endWords() const {
  if (WIFSIGNALED(status_))
    return fmt::format("signal {} ({})", WTERMSIG(status_), strsignal(WTERMSIG(status_)));
  return fmt::format("exit status {}{}", WEXITSTATUS(status_),
                     exitStatus() == EX_CONFIG ? " (configuration)" : "");
}

bool Child::crashed() const { return WIFSIGNALED(status_); }

int Child::exitStatus() const { return WIFSIGNALED(status_) ? -1 : WEXITSTATUS(status_); }

std::string Child::lastLine() const {
  std::string_view text = written_;
  while (text.ends_with('\n')) text.remove_suffix(1);
  text = text.substr(text.rfind('\n') + 1);
  if (text.size() > 2 && text[0] == '<' && text.find('>') == 2) text.remove_prefix(3);  // sd-daemon(3)
  return text::printable(text, 300);
}

}  // namespace smsd::check
