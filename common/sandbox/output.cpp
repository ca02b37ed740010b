// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/output.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "common/sandbox/sandbox.h"
#include "common/sandbox/seccomp.h"

namespace smsd::sandbox {
namespace {

[[noreturn]] void failOutput(const std::string& what) { fail("output: " + what); }

bool isFile(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

/// Copies from descriptor 0 to descriptor 1 until the last writer has closed the pipe. Output that cannot be
/// written (full disk, file size limit) is lost, and does not disturb the worker.
[[noreturn]] void copy() {
  char buffer[4096];
  for (;;) {
    ssize_t got = ::read(0, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ::_exit(0);
    for (ssize_t put = 0; put < got;) {
      ssize_t n = ::write(1, buffer + put, static_cast<std::size_t>(got - put));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      put += n;
    }
  }
}

[[noreturn]] void beCopier(int from, int to) {
  for (int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_IGN);
  // Close all other descriptors. Above all, a copy of the supervisor's channel would keep the connection
  // open.
  bool alone = ::dup2(from, 0) == 0 && ::dup2(to, 1) == 1 && ::close_range(2, ~0U, 0) == 0;
  rlimit size{};
  ::getrlimit(RLIMIT_FSIZE, &size);
  size.rlim_cur = size.rlim_max = std::min(size.rlim_max, rlim_t(mostFileSize));
  alone = alone && ::setrlimit(RLIMIT_FSIZE, &size) == 0;
  if (!alone || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(1);
  // On a kernel without seccomp, lockIn() decides whether the worker may serve.
  try {
    restrictToCopying();
  } catch (const LockFailed&) {
  }
  copy();
}

}  // namespace

void separateOutput() {
  if (isFile(0)) {
    int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, 0) < 0) failOutput("/dev/null");
    ::close(null);
  }
  if (isFile(2)) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) failOutput("cannot create a pipe");
    pid_t copier = ::fork();
    if (copier < 0) failOutput("cannot start the process that writes to the file of stderr");
    if (copier == 0) beCopier(pipe[0], 2);
    if (::dup2(pipe[1], 2) < 0) failOutput("stderr");
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
  // A worker writes nothing to stdout while it serves.
  if (isFile(1) && ::dup2(2, 1) < 0) failOutput("stdout");
}

}  // namespace smsd::sandbox
