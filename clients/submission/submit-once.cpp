// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/submission/submit-once.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "clients/submission/alert-records.h"
#include "common/fault.h"
#include "common/rpc/channel.h"
#include "common/rpc/connect.h"

namespace smsd::submission {
namespace {

constexpr auto firstPause = 100 * kj::MILLISECONDS, longestPause = 2 * kj::SECONDS;

/// One try: an answer of smsd, or the reason why there is none.
struct SubmitTry {
  shapes::SubmissionResult result;
  bool final = false;  // a repetition would have the same result
};

SubmitTry failed(std::string problem, bool final = false) { return {{std::move(problem), 0, {}}, final}; }

std::string wordsOf(const std::filesystem::path& socket, int error) {
  if (error == EACCES || error == EPERM)
    return fmt::format(
        "{}: permission denied; the user of this program has to be in the group smsd-submit (`usermod -aG "
        "smsd-submit USER`)",
        socket.string());
  if (error == ENOENT || error == ECONNREFUSED)
    return fmt::format("smsd is not running: no program listens at {}; run `systemctl start smsd`",
                       socket.string());
  return fmt::format("{}: cannot connect: {}", socket.string(), std::generic_category().message(error));
}

SubmitTry tryOnce(kj::AsyncIoContext& io, const OneCall& call, kj::Duration within) {
  try {
    auto channel = rpc::Channel::connect(rpc::connectTo(*io.lowLevelProvider, call.socket));
    auto request = channel->peer().castAs<proto::Intake>().submitRequest();
    auto list = request.initAlerts(static_cast<unsigned>(call.alerts.size()));
    for (unsigned at = 0; at < list.size(); ++at) write(call.alerts[at], call.label, list[at]);
    auto response = io.provider->getTimer().timeoutAfter(within, request.send()).wait(io.waitScope);
    const auto fates = response.getFates();
    std::string problem = response.getProblem().cStr();
    if (problem.empty() && fates.size() != call.alerts.size())
      problem = "smsd did not answer for each number; it may be of another version than this program";
    shapes::SubmissionResult result{std::move(problem), response.getRetryAfter(), {}};
    if (!result.problem.empty()) return {std::move(result), false};
    for (const auto fate : fates) result.fates.push_back(fateOf(fate));
    return {std::move(result), true};
  } catch (const std::system_error& e) {
    const int error = e.code().value();
    return failed(wordsOf(call.socket, error), error == EACCES || error == EPERM || error == ENAMETOOLONG);
  } catch (const kj::Exception& fault) {
    if (fault.getType() == kj::Exception::Type::OVERLOADED) return failed("smsd did not answer in time");
    if (fault.getType() == kj::Exception::Type::DISCONNECTED)
      return failed("smsd ended the connection; its journal has the reason");
    return failed("smsd did not answer: " + faultOf(fault));
  }
}

}  // namespace

shapes::SubmissionResult submitOnce(kj::AsyncIoContext& io, const OneCall& call) {
  auto& timer = io.provider->getTimer();
  const auto end = timer.now() + call.patience;
  auto pause = firstPause;
  while (true) {
    auto made = tryOnce(io, call, std::max(end - timer.now(), 1 * kj::SECONDS));
    const auto wait = std::max(pause, made.result.retryAfter * kj::SECONDS);
    if (made.final || timer.now() + wait >= end) return std::move(made.result);
    timer.afterDelay(std::min(wait, longestPause)).wait(io.waitScope);
    pause = std::min(2 * pause, longestPause);
  }
}

}  // namespace smsd::submission
