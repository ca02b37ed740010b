// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/run-apart.h"

#include <fmt/format.h>
#include <kj/io.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/fault.h"
#include "common/io/output.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/run-program.h"

namespace smsd::smsctl {
namespace {

bool isIgnored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

HeldSignals::HeldSignals() {
  sigemptyset(&held_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    if (!isIgnored(number)) sigaddset(&held_, number);
  sigaddset(&held_, SIGCHLD);  // so that await() notices the end of the child
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() { restore(); }

void HeldSignals::restore() const { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int HeldSignals::await(pid_t child) const {
  for (int status = 0;;) {
    const pid_t found = waitpid(child, &status, WNOHANG);
    if (found == child) return status;
    if (found < 0 && errno != EINTR) return EX_OSERR << 8;
    const int number = sigwaitinfo(&held_, nullptr);
    if (number < 0 || number == SIGCHLD) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    raise(number);  // held back until the end of this object
    throw Ended();
  }
}

std::string runApart(const HeldSignals& signals, const std::string& user,
                     const std::function<std::string()>& act) {
  const kj::AutoCloseFd result(memfd_create("smsctl-result", MFD_CLOEXEC));
  if (result.get() < 0) throw CommandError(EX_OSERR, fmt::format("memfd_create: {}", strerror(errno)));
  const pid_t child = start(user, [&]() {
    signals.restore();
    try {
      const std::string text = act();
      kj::FdOutputStream(result.get()).write(text.data(), text.size());
      return EX_OK;
    } catch (const kj::Exception& error) {
      io::complainAs("smsctl", faultOf(error));
    } catch (const std::exception& error) {
      io::complainAs("smsctl", faultOf(error));
    }
    return EX_SOFTWARE;
  });
  const int status = signals.await(child);
  if (status != EX_OK)
    throw CommandError(EX_SOFTWARE,
                       WIFSIGNALED(status)
                           ? fmt::format("the check was ended by signal {}", WTERMSIG(status))
                           : fmt::format("the check failed with exit status {}", WEXITSTATUS(status)));
  lseek(result.get(), 0, SEEK_SET);
  return kj::FdInputStream(result.get()).readAllText().cStr();
}

}  // namespace smsd::smsctl
