// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl explain`: prints the history of one message in the order of its events.
//
// Owns the texts of that history. Called by main. Reads the queue, never changes it. Fails as every command
// does, and with status 1 if there is no such message.
#include <fmt/format.h>
#include <sysexits.h>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using queue::AttemptRecord;
using queue::MessageLife;
using queue::SentStatus;
using queue::SubmissionRecord;

constexpr std::size_t longestText = 2000;  // more than any SMS

ordered_json json(const SubmissionRecord& submission) {
  ordered_json attempts = ordered_json::array();
  for (const auto& attempt : submission.attempts)
    attempts.push_back({{"id", attempt.id},
                        {"dispatcher", attempt.dispatcher},
                        {"outcome", attempt.outcome},
                        {"reason", attempt.reason},
                        {"reference", attempt.reference},
                        {"ended", attempt.ended}});
  return {{"id", submission.id},
          {"key", submission.key},
          {"text", submission.text},
          {"supervisor", submission.supervisor},
          {"created", submission.created},
          {"ended", submission.ended},
          {"fate", submission.fate},
          {"decided", submission.decided},
          {"only_counted", submission.onlyCounted},
          {"messages", submission.messages},
          {"attempts", std::move(attempts)}};
}

std::string ignoredBecause(const MessageLife& life);

ordered_json json(const MessageLife& life) {
  ordered_json result = asJson(life.message);
  result["time_sent"] = life.timeSent;
  result["smsid"] = orNull(life.smsid);
  result["ignored_because"] = ignoredBecause(life);
  result["waits_until"] = life.waitsUntil;
  result["rounds"] = life.rounds;
  result["failing_since"] = life.failingSince;
  result["submissions"] = ordered_json::array();
  for (const auto& submission : life.submissions) result["submissions"].push_back(json(submission));
  return result;
}

std::string shown(const std::string& text) { return text::printable(text, longestText); }

void step(const std::string& time, const std::string& what) {
  io::print(fmt::format("  {:<19}  {}\n", text::printable(time, 23), what));
}

std::string inBrackets(const std::string& text) {
  return text.empty() ? "" : fmt::format(" ({})", shown(text));
}

std::string companions(const SubmissionRecord& submission, format::MessageId self) {
  std::vector<format::MessageId> others = submission.messages;
  std::erase(others, self);
  if (others.empty()) return "";
  return fmt::format(", with message{} {}", others.size() == 1 ? "" : "s", fmt::join(others, ", "));
}

void tell(const AttemptRecord& attempt) {
  const std::string through = fmt::format("attempt {} through {}: ", attempt.id, shown(attempt.dispatcher));
  if (attempt.ended.empty()) return step("", through + "under way");
  step(attempt.ended,
       through + shown(attempt.outcome) +
           inBrackets(attempt.reference.empty() ? attempt.reason : "reference " + attempt.reference));
}

/// Returns why a submission was ignored. Its last attempt decided that.
std::string whyIgnored(const SubmissionRecord& submission) {
  if (submission.attempts.empty()) return "no dispatcher was tried";
  const AttemptRecord& last = submission.attempts.back();
  if (last.dispatcher.empty() || submission.text.empty()) return last.reason;
  if (last.outcome == "refused") return "every dispatcher refused it, the last with: " + last.reason;
  return fmt::format("no dispatcher accepted it in all rounds of retry.limit, the last answer: {} ({})",
                     last.outcome, last.reason);
}

/// Returns why a message is ignored; empty if neither the queue nor its last submission records a reason.
std::string ignoredBecause(const MessageLife& life) {
  if (!life.ignoredBecause.empty()) return life.ignoredBecause;
  if (life.message.status != SentStatus::ignored || life.submissions.empty()) return "";
  const SubmissionRecord& last = life.submissions.back();
  if (last.fate == "ignored") return whyIgnored(last);
  if (last.fate == "discarded") return "discarded by an operator";
  return last.fate == "sent" && last.onlyCounted ? "an SMS that was full only counted it" : "";
}

void tellEnd(const SubmissionRecord& submission) {
  const std::string sms = fmt::format("SMS {}: ", submission.id);
  const std::string counted =
      submission.onlyCounted ? "; its text only counts this message, which is ignored" : "";
  if (submission.fate == "sent") return step(submission.ended, sms + "sent" + counted);
  if (submission.fate == "ignored")
    return step(submission.ended, sms + "ignored, it will not be sent: " + shown(whyIgnored(submission)));
  if (submission.fate == "returned") return step(submission.ended, sms + "not sent, returned to the queue");
  step(submission.ended, sms + "held, because it may have been sent");
  if (submission.fate == "held")
    return step("", fmt::format("it waits for `smsctl queue release {0}` or `smsctl queue discard {0}`",
                                submission.id));
  step(submission.decided, fmt::format("{}{} by an operator", sms, shown(submission.fate)));
}

void tell(const SubmissionRecord& submission, format::MessageId self) {
  step(submission.created,
       fmt::format("SMS {} with the key {}{}{}: {}", submission.id, submission.key,
                   submission.supervisor.empty() ? "" : " by " + shown(submission.supervisor),
                   companions(submission, self), shown(submission.text)));
  for (const auto& attempt : submission.attempts) tell(attempt);
  if (!submission.ended.empty()) tellEnd(submission);
}

/// Whether the last submission explains the state of the message.
bool toldBySubmission(const MessageLife& life) {
  if (life.submissions.empty()) return false;
  const SubmissionRecord& last = life.submissions.back();
  switch (life.message.status) {
    case SentStatus::unsent:
      return last.ended.empty() || last.fate == "held";
    case SentStatus::sent:
      return last.fate == "sent" && !last.onlyCounted;
    case SentStatus::ignored:
      return last.fate == "ignored" || last.fate == "discarded" || (last.fate == "sent" && last.onlyCounted);
  }
  return false;
}

/// Returns why the recipient waits, and when the message will be given up.
std::string patience(const MessageLife& life, const config::Config& config) {
  const auto& retry = config.retry;
  std::string said =
      fmt::format("{} counted round{} without success", life.rounds, life.rounds == 1 ? "" : "s");
  if (!life.failingSince.empty()) said += " since " + life.failingSince;
  if (retry.atLimit != config::AtLimit::ignore || retry.limit == 0 || life.rounds == 0) return said;
  if (!retry.giveUpAfter) return said + "; it is never given up (retry.give_up_after)";
  const Milliseconds left = *retry.giveUpAfter - life.failing.value_or(0ms);
  const bool roundsLeft = life.rounds < retry.limit;
  if (left <= 0ms)
    return said + (roundsLeft ? fmt::format("; it is given up after {} rounds", retry.limit)
                              : "; it is given up at the next failure");
  return said + fmt::format("; it is given up if it still fails in {}{} (retry.give_up_after)",
                            config::roughly(left),
                            roundsLeft ? fmt::format(" and {} rounds are counted", retry.limit) : "");
}

void tellState(const MessageLife& life, const config::Config& config) {
  if (!life.ignoredBecause.empty())
    return step(life.timeSent, "ignored: it was " + shown(life.ignoredBecause));
  if (toldBySubmission(life)) return;
  switch (life.message.status) {
    case SentStatus::sent:
      return step(life.timeSent, "marked as sent, not by smsd");
    case SentStatus::ignored:
      return step(life.timeSent, "marked as ignored, not by smsd");
    case SentStatus::unsent:
      break;
  }
  if (!life.waitsUntil.empty())
    return step(life.waitsUntil, "next try: its recipient waits, after " + patience(life, config));
  step("", life.message.underWay ? "waits for the SMS of its recipient that is under way"
                                 : "waits to be claimed");
}

std::string_view stateOf(const MessageLife& life) {
  switch (life.message.status) {
    case SentStatus::sent:
      return "sent";
    case SentStatus::ignored:
      return "ignored";
    case SentStatus::unsent:
      break;
  }
  if (toldBySubmission(life)) return life.submissions.back().fate == "held" ? "held" : "under way";
  return "unsent";
}

}  // namespace

int explainMessage(const config::Config& config, format::MessageId id, Form form) {
  const auto life = config::openQueue(config)->explain(id, config.retry.maxDelay);
  if (!life) throw CommandError(1, fmt::format("there is no message {} in the queue", id));
  if (form == Form::json) {
    io::print(dump(json(*life)));
    return EX_OK;
  }
  const auto& message = life->message;
  io::print(fmt::format("message {} to {}{}{}: {}\n", message.id, shown(message.recipient),
                        message.user.empty() ? "" : " for " + shown(message.user),
                        message.severity ? fmt::format(", severity {}", *message.severity) : "",
                        stateOf(*life)));
  step(message.time, "queued: " + shown(message.text));
  for (const auto& submission : life->submissions) tell(submission, message.id);
  tellState(*life, config);
  return EX_OK;
}

}  // namespace smsd::smsctl
