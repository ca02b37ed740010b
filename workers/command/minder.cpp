// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/minder.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "workers/command/starter-messages.h"

namespace smsd::command {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Runs in a child that shares the memory of the minder until the program is executed (vfork), so that it
/// changes nothing but its own descriptors, signals and locks. Returns only on failure, with errno set.
void becomeProgram(const MinderFiles& files, char* const* argv, char* const* environment,
                   const sandbox::ProgramLock& lock) {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  // If the minder dies, the kernel ends the program. Its descendants become children of the starter.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::setpgid(0, 0) != 0) return;
  for (int n = 0; n < 3; ++n)
    if (::dup2(files.streams[n], n) < 0) return;
  errno = lock.refuseSignals();
  if (errno != 0) return;
  if (::close_range(3, ~0U, 0) != 0 || ::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return;
  ::execve(argv[0], argv, environment);
}

/// Returns the process, or -1 with errno set; `failure` is the number of the error if the program was not
/// executed.
[[gnu::noinline]] pid_t startProgram(const MinderFiles& files, char* const* argv, char* const* environment,
                                     const sandbox::ProgramLock& lock, volatile int& failure) {
  const pid_t pid = ::vfork();
  if (pid != 0) return pid;
  becomeProgram(files, argv, environment, lock);
  failure = errno;
  ::_exit(EXIT_FAILURE);
}

class Minder {
 public:
  Minder(const sandbox::ProgramLock& lock, std::uint64_t id, int socket)
      : lock_(lock), id_(id), socket_(socket) {}

  [[noreturn]] void run(const MinderFiles& files, char* const* argv, char* const* environment) {
    volatile int failure = 0;
    program_ = startProgram(files, argv, environment, lock_, failure);
    if (program_ < 0) report(ProgramEnd::How::notStarted, errno);
    for (int stream : files.streams) ::close(stream);
    if (failure != 0) {
      while (::waitpid(program_, nullptr, 0) < 0 && errno == EINTR) {
      }
      report(ProgramEnd::How::notExecuted, failure);
    }
    waitForEnd();
    endDescendants();
    if (WIFEXITED(status_)) report(ProgramEnd::How::exited, WEXITSTATUS(status_));
    report(ProgramEnd::How::signalled, WTERMSIG(status_));
  }

  [[noreturn]] void report(ProgramEnd::How how, int value) const {
    const StarterNotice notice{StarterNotice::What::ended, value, id_, how};
    // A worker that has ended needs no report.
    while (::send(socket_, &notice, sizeof notice, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
    ::_exit(EXIT_SUCCESS);
  }

 private:
  /// Reaps descendants whose parent has ended, until the program itself has.
  void waitForEnd() {
    sigset_t expected;
    ::sigemptyset(&expected);
    ::sigaddset(&expected, SIGCHLD);
    ::sigaddset(&expected, killOrder);
    for (;;) {
      int status = 0;
      for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;)
        if (ended == program_) {
          status_ = status;
          return;
        }
      if (::sigwaitinfo(&expected, nullptr) == killOrder) killAll();
    }
  }

  void endDescendants() const {
    // The end of a child may make its own children ours. With an older kernel they are not killed yet, and a
    // child may have started others between the look and its kill, hence the new look after a while.
    constexpr timespec untilNextLook{0, 10'000'000};
    sigset_t end;
    ::sigemptyset(&end);
    ::sigaddset(&end, SIGCHLD);
    for (;;) {
      killAll();
      const pid_t ended = ::waitpid(-1, nullptr, lock_.scopesSignals() ? 0 : WNOHANG);
      if (ended < 0 && errno == ECHILD) return;
      if (ended == 0) ::sigtimedwait(&end, nullptr, &untilNextLook);
    }
  }

  void killAll() const {
    if (lock_.scopesSignals()) {
      ::kill(-1, SIGKILL);
      return;
    }
    for (pid_t child : children_.now()) ::kill(child, SIGKILL);
  }

  const sandbox::ProgramLock& lock_;
  std::uint64_t id_;
  int socket_;
  OwnChildren children_;
  pid_t program_ = -1;
  int status_ = 0;
};

}  // namespace

OwnChildren::OwnChildren() {
  const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

OwnChildren::~OwnChildren() {
  if (fd_ >= 0) ::close(fd_);
}

std::vector<pid_t> OwnChildren::now() const {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::pread(fd_, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  std::vector<pid_t> children;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (pid_t child = 0; at < end;) {
    auto [next, error] = std::from_chars(at, end, child);
    if (error == std::errc()) children.push_back(child);
    at = std::find(next, end, ' ') + 1;
    if (next == end) break;
  }
  return children;
}

void mind(const ProgramSpec& spec, const sandbox::ProgramLock& lock, pid_t starter, std::uint64_t id,
          const MinderFiles& files, const std::vector<std::string>& variables) {
  ::prctl(PR_SET_PDEATHSIG, killOrder, 0, 0, 0);
  if (::getppid() != starter) ::_exit(EXIT_FAILURE);  // it has died before
  Minder minder(lock, id, files.socket);
  // The minder leads the session, because the leader's end would hang up a serial line that its program has
  // opened, and throw away what is not yet sent.
  if (::setsid() < 0) minder.report(ProgramEnd::How::notStarted, errno);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) minder.report(ProgramEnd::How::notStarted, errno);
  if (const int error = lock.lockProgram(); error != 0) minder.report(ProgramEnd::How::notStarted, error);
  std::vector<std::string> words = {spec.program.string()};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = spec.environment;
  environment.insert(environment.end(), variables.begin(), variables.end());
  minder.run(files, pointers(words).data(), pointers(environment).data());
}

}  // namespace smsd::command
