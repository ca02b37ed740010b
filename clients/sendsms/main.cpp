// SPDX-License-Identifier: GPL-3.0-or-later
// sendsms: submits a text to smsd for one or more numbers, with the arguments and the exit status of
// smstools3's sendsms.
//
// It has no lock: it has the rights of the user that calls it, reads nothing but its arguments, and has to
// work where its caller is confined already.
#include <fmt/format.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "clients/sendsms/arguments.h"
#include "clients/sendsms/call.h"
#include "clients/submission/submit-once.h"
#include "common/fault.h"
#include "common/io/input.h"
#include "common/io/output.h"

namespace smsd::sendsms {
namespace {

constexpr int notAll = 1;  // smstools3's only status for a failure
// Below the time after which Nagios (30 s), Icinga and Checkmk (60 s) end a notification script.
constexpr auto patience = 20 * kj::SECONDS;
constexpr std::size_t mostInput = 64 << 10;  // bytes; a text has 16 KiB at most

/// Standard input, as far as a text can use it.
std::string input(SendsmsCall::Input what) {
  using Input = SendsmsCall::Input;
  if (what == Input::unused) return {};
  if (isatty(STDIN_FILENO) == 1)
    io::complain(what == Input::all ? "Numbers in the first line, then the text, ended by Ctrl-D:\n"
                                    : "Text, ended by Ctrl-D:\n");
  auto read = io::readInput(mostInput);
  if (!read) throw Explained("standard input cannot be read");
  return std::move(*read);
}

/// Another key for each call, so that a repetition after a lost answer makes no second SMS.
std::string freshKey() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Explained("the kernel gives no random bytes");
  std::string key = "sendsms-";
  for (const unsigned char byte : bytes) key += fmt::format("{:02x}", byte);
  return key;
}

int fail(const std::string& why) {
  io::complainAs("sendsms", why);
  return notAll;
}

int show(const std::vector<shapes::IncomingAlert>& alerts, const std::vector<shapes::WebFate>& fates) {
  int status = 0;
  for (std::size_t at = 0; at < fates.size(); ++at) {
    const auto& fate = fates[at];
    if (fate.result == shapes::WebFate::Result::refused)
      status = fail(fmt::format("{}: not sent: {}", alerts[at].to.name, fate.why));
    for (std::size_t n = 0; n < std::min(fate.messages.size(), fate.recipients.size()); ++n)
      io::print(fmt::format("To: {} (message {})\n", fate.recipients[n], fate.messages[n]));
  }
  return status;
}

int run(const SendsmsOptions& options) {
  const SendsmsCall call = callOf(options.words);
  const auto read = alertsOf(call, input(call.input), freshKey());
  if (!read.problem.empty()) return fail(read.problem);
  auto io = kj::setupAsyncIo();
  const auto result = submission::submitOnce(io, {options.socket, read.alerts, "sendsms", patience});
  if (!result.problem.empty()) return fail("the SMS may not be in the queue: " + result.problem);
  return show(read.alerts, result.fates);
}

}  // namespace
}  // namespace smsd::sendsms

int main(int argc, char** argv) {
  using namespace smsd;
  signal(SIGPIPE, SIG_IGN);
  sendsms::SendsmsOptions options;
  int status = 0;
  if (!sendsms::readArguments(argc, argv, options, status)) return status;
  try {
    return sendsms::run(options);
  } catch (const kj::Exception& e) {
    return sendsms::fail(faultOf(e));
  } catch (const std::exception& e) {
    return sendsms::fail(faultOf(e));
  }
}
