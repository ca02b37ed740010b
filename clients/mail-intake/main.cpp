// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-mail-intake: reads one mail from standard input and submits its text to smsd over intake.sock. Postfix
// starts it for each mail.
//
// An error that is not the mail's has the status EX_TEMPFAIL, so that Postfix keeps the mail and tries again.
#include <signal.h>
#include <sysexits.h>

#include "clients/mail-intake/arguments.h"
#include "clients/mail-intake/mail-result.h"
#include "clients/mail-intake/mail.h"
#include "clients/program/program.h"
#include "clients/submission/submit-once.h"
#include "common/fault.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "common/journal/journal.h"
#include "common/sandbox/sandbox.h"

namespace smsd::mailintake {
namespace {

constexpr const char* self = "smsd-mail-intake";
// Longer than a restart of smsd. A longer outage is better spent in Postfix's queue than in its few
// processes.
constexpr auto patience = 10 * kj::SECONDS;

int fail(int status, const std::string& why) {
  io::complainAs(self, why);
  return status;
}

int run(const FilterOptions& options) {
  prepare();
  sandbox::Policy policy;
  policy.unixSockets = sandbox::UnixSockets::connect;
  program::lockIn(policy, options.unlocked ? program::ClientLock::wanted : program::ClientLock::required);
  const auto mail = io::readInput(maxMail);
  if (!mail) return fail(EX_TEMPFAIL, "cannot read the mail from standard input");
  const auto read = readMail(*mail, options.to, options.severity);
  if (!read.problem.empty()) return fail(EX_DATAERR, "no SMS was sent: " + read.problem);
  auto io = kj::setupAsyncIo();
  const auto result =
      resultOf(read.alerts, submission::submitOnce(io, {options.socket, read.alerts, "mail", patience}));
  io::complainAs(self, result.words);
  return result.status;
}

}  // namespace
}  // namespace smsd::mailintake

int main(int argc, char** argv) {
  using namespace smsd;
  signal(SIGPIPE, SIG_IGN);
  mailintake::FilterOptions options;
  int status = EX_OK;
  if (!mailintake::readArguments(argc, argv, options, status)) return status;
  journal::open(mailintake::self);
  try {
    return mailintake::run(options);
  } catch (const kj::Exception& e) {
    return mailintake::fail(EX_TEMPFAIL, faultOf(e));
  } catch (const program::CannotRun& e) {
    return mailintake::fail(EX_TEMPFAIL, e.what());
  } catch (const std::exception& e) {
    return mailintake::fail(EX_TEMPFAIL, faultOf(e));
  }
}
