// SPDX-License-Identifier: GPL-3.0-or-later
// The common ground of the suite. See queue-suite.h.
#include "tests/queue/suite/queue-suite.h"

#include <thread>

namespace smsd::queue {

namespace {

format::FormattedSms start(const std::vector<format::Message>& messages) {
  format::FormattedSms sms;
  sms.text = messages.front().text;
  sms.sent.push_back(messages.front().id);
  sms.units = sms.text.size();
  return sms;
}

}  // namespace

format::FormattedSms joined(const std::vector<format::Message>& messages) {
  format::FormattedSms sms = start(messages);
  for (std::size_t i = 1; i < messages.size(); ++i) {
    sms.text += "|" + messages[i].text;
    sms.sent.push_back(messages[i].id);
  }
  return sms;
}

format::FormattedSms firstAndIgnore(const std::vector<format::Message>& messages) {
  format::FormattedSms sms = start(messages);
  for (std::size_t i = 1; i < messages.size(); ++i) sms.ignored.push_back(messages[i].id);
  return sms;
}

format::FormattedSms firstAndCarry(const std::vector<format::Message>& messages) {
  format::FormattedSms sms = start(messages);
  for (std::size_t i = 1; i < messages.size(); ++i) sms.carried.push_back(messages[i].id);
  return sms;
}

std::optional<QueueError::Kind> refusal(const std::function<void()>& call, std::string* what) {
  try {
    call();
    return std::nullopt;
  } catch (const QueueError& error) {
    if (what != nullptr) *what = error.what();
    return error.kind();
  }
}

std::vector<std::string> storeNames() {
  std::vector<std::string> names;
  for (const auto& [name, make] : StoreRegistration::all()) names.push_back(name);
  return names;
}

std::string backendName(const testing::TestParamInfo<std::string>& info) { return info.param; }

ClaimRequest QueueSuite::request(std::size_t limit, Look look) {
  ClaimRequest request;
  request.limit = limit;
  request.look = look;
  request.dispatcher = "modem";
  request.format = joined;
  return request;
}

Settlement QueueSuite::accepted(const Submission& submission, const std::string& reference) {
  return {submission, Fate::sent, "accepted", "", reference, std::nullopt};
}

Settlement QueueSuite::ignored(const Submission& submission, const std::string& reason) {
  return {submission, Fate::ignored, "refused", reason, "", std::nullopt};
}

Settlement QueueSuite::returned(const Submission& submission, std::optional<Duration> wait) {
  return {submission, Fate::returned, "deferred", "gateway is away", "", wait, submission.rounds + 1};
}

Settlement QueueSuite::held(const Submission& submission, const std::string& reason) {
  return {submission, Fate::held, "unknown", reason, "", std::nullopt};
}

std::vector<std::string> QueueSuite::recipients(const std::vector<Submission>& submissions) {
  std::vector<std::string> names;
  for (const auto& submission : submissions) names.push_back(submission.recipient);
  return names;
}

bool eventually(const std::function<bool()>& condition) {
  for (auto until = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace smsd::queue
