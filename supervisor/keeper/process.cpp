// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace smsd::keeper {
namespace {

/// Returns the part of our environment that a child inherits. Secrets are never in it; NOTIFY_SOCKET,
/// LISTEN_FDS and WATCHDOG_USEC are meant for smsd alone.
std::vector<std::string> childEnvironment() {
  std::vector<std::string> kept;
  for (const char* name :
       {"PATH", "LANG", "LC_ALL", "TZ", "JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) kept.push_back(fmt::format("{}={}", name, value));
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

/// Runs between fork and exec, so it calls only functions that are safe there. Returns only on failure, with
/// errno set.
void becomeChild(const Command& command, char* const* argv, char* const* environment, int parent) {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
  if (getppid() != parent) _exit(EX_TEMPFAIL);  // the parent died before PDEATHSIG was in force
  // The child gets a session of its own. Otherwise, where smsd runs in the background of a terminal, a worker
  // that reads from the terminal or sets it up would make the kernel stop the whole process group, smsd
  // included.
  if (setsid() < 0) return;
  int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0) return;
  if (dup2(command.output, 1) < 0 || dup2(command.errors, 2) < 0) return;
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return;
  for (auto& [from, to] : command.descriptors) {
    if (from == to ? fcntl(to, F_SETFD, 0) != 0 : dup2(from, to) < 0) return;
  }
  if (!command.folder.empty() && chdir(command.folder.c_str()) != 0) return;
  execve(argv[0], argv, environment);
}

}  // namespace

std::string ProcessEnd::words() const {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  int code = WEXITSTATUS(status);
  const char* meaning = code == EX_CONFIG ? " (configuration)" : code == EX_TEMPFAIL ? " (gave up)" : "";
  return fmt::format("exit status {}{}", code, meaning);
}

Process::Process(kj::UnixEventPort& port, const Command& command) {
  std::vector<std::string> words = {command.program.string()};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = childEnvironment();
  auto argv = pointers(words);
  auto envp = pointers(environment);
  // dup2() must not overwrite a descriptor that is still to be copied, so the sources are moved to high
  // numbers first.
  Command moved = command;
  std::vector<kj::AutoCloseFd> copies;
  for (auto& [from, to] : moved.descriptors) {
    copies.emplace_back(fcntl(from, F_DUPFD_CLOEXEC, 100));
    if (copies.back().get() < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
    from = copies.back().get();
  }
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  kj::AutoCloseFd reportIn(report[0]);
  kj::AutoCloseFd reportOut(fcntl(report[1], F_DUPFD_CLOEXEC, 100));
  close(report[1]);
  int parent = getpid();

  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    becomeChild(moved, argv.data(), envp.data(), parent);
    int error = errno;
    [[maybe_unused]] ssize_t n = write(reportOut.get(), &error, sizeof error);
    _exit(EX_OSERR);
  }
  reportOut = nullptr;
  int error = 0;
  ssize_t got = 0;
  do got = read(reportIn.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    reap();
    throw std::system_error(error, std::generic_category(), "cannot start " + words[0]);
  }
  pidfd_ = kj::AutoCloseFd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (pidfd_.get() < 0) {
    int failed = errno;
    ::kill(pid_, SIGKILL);
    reap();
    throw std::system_error(failed, std::generic_category(), "pidfd_open");
  }
  fcntl(pidfd_.get(), F_SETFD, FD_CLOEXEC);
  observer_ = kj::heap<kj::UnixEventPort::FdObserver>(port, pidfd_.get(),
                                                      kj::UnixEventPort::FdObserver::OBSERVE_READ);
}

Process::~Process() noexcept(false) {
  if (reaped_ || pid_ <= 0) return;
  kill(SIGKILL);
  reap();
}

kj::Promise<ProcessEnd> Process::ended() {
  return observer_->whenBecomesReadable().then([this]() { return reap(); });
}

void Process::kill(int signal) {
  if (!reaped_) syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

ProcessEnd Process::reap() {
  ProcessEnd end;
  while (waitpid(pid_, &end.status, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  return end;
}

}  // namespace smsd::keeper
