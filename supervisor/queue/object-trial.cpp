// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/object-trial.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

namespace smsd::queue {
namespace {

constexpr int survived = 77;
constexpr unsigned patience = 10;  // seconds

// An exception of the object's must not leave it: the child would go on as this program.
[[noreturn]] void load(const char* file) noexcept {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // What the C++ library prints when it ends a process quotes the exception.
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, fd);
  // No handler of this program's, so that the signal is the reason.
  for (const int number : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV}) signal(number, SIG_DFL);
  std::set_terminate(std::abort);
  alarm(patience);
  // dlopen() is declared as one that throws nothing. clang believes that, and would let an exception pass
  // through here.
  void* (*volatile const openObject)(const char*, int) = dlopen;
  openObject(file, RTLD_NOW | RTLD_LOCAL);
  _exit(survived);
}

/// Returns the name at the beginning of `text`; empty if that is no plain name.
std::string nameIn(std::string_view text) {
  const auto isPlain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+").find(c) != std::string_view::npos;
  };
  const auto* end = std::find_if_not(text.begin(), text.end(), isPlain);
  return std::string(text.substr(0, std::min<std::size_t>(end - text.begin(), 200)));
}

}  // namespace

std::string problemOfLoading(const std::filesystem::path& file) {
  const pid_t child = fork();
  if (child == 0) load(file.c_str());
  if (child < 0) return fmt::format("no process can be started to try it ({})", std::strerror(errno));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return {};
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return fmt::format("loading it does not end within {} s", patience);
  if (WIFSIGNALED(status)) {
    const char* signalName = sigabbrev_np(WTERMSIG(status));
    return fmt::format("a program that loads it ends by SIG{}: the file is damaged, or its code is wrong",
                       signalName == nullptr ? "?" : signalName);
  }
  if (WEXITSTATUS(status) != survived) return "its code ends a program that loads it";
  return {};
}

std::string reasonNotLoaded(const char* said) {
  const std::string_view text = said == nullptr ? "" : said;
  constexpr std::string_view symbol = "undefined symbol: ";
  if (const auto at = text.find(symbol); at != std::string_view::npos)
    return fmt::format("it needs the symbol {}, which no library here has",
                       nameIn(text.substr(at + symbol.size())));
  if (text.find("cannot open shared object file") != std::string_view::npos)
    return fmt::format("the library {} cannot be opened", nameIn(text));
  if (text.find("' not found") != std::string_view::npos) return "it needs another version of a library";
  return "it is damaged, or no shared object for this system";
}

}  // namespace smsd::queue
