// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/life-words.h"

#include <fmt/format.h>

#include "common/config/keys.h"
#include "supervisor/queue/queue.h"

namespace smsd::smsctl {

using queue::AttemptRecord;
using queue::MessageLife;
using queue::SentStatus;
using queue::SubmissionRecord;

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

std::string whyIgnored(const SubmissionRecord& submission) {
  if (submission.attempts.empty()) return "no dispatcher was tried";
  const AttemptRecord& last = submission.attempts.back();
  if (last.dispatcher.empty() || submission.text.empty()) return last.reason;
  if (last.outcome == "refused") return "every dispatcher refused it; last reason: " + last.reason;
  return fmt::format("no dispatcher accepted it in all rounds of retry.limit; last answer: {} ({})",
                     last.outcome, last.reason);
}

std::string whyIgnored(const MessageLife& life) {
  if (!life.ignoredBecause.empty()) return life.ignoredBecause;
  if (life.message.status != SentStatus::ignored) return "";
  if (life.submissions.empty())
    return "marked by another program, or its history was deleted (queue.keep_history)";
  const SubmissionRecord& last = life.submissions.back();
  if (last.fate == "ignored") return whyIgnored(last);
  if (last.fate == "discarded") return "discarded by an operator";
  if (last.fate == "sent" && last.onlyCounted) return "an SMS that was full only counted it";
  return "marked by another program";
}

std::string patience(const MessageLife& life, const GivingUp& givingUp) {
  std::string said =
      fmt::format("{} counted round{} without success", life.rounds, life.rounds == 1 ? "" : "s");
  if (!life.failingSince.empty()) said += " since " + life.failingSince;
  if (givingUp.atLimit != config::AtLimit::ignore || givingUp.limit == 0 || life.rounds == 0) return said;
  if (!givingUp.after) return said + "; it is never given up (retry.give_up_after)";
  const Milliseconds left = *givingUp.after - life.failing.value_or(Milliseconds(0));
  const bool roundsLeft = life.rounds < givingUp.limit;
  if (left <= Milliseconds(0))
    return said + (roundsLeft ? fmt::format("; it is given up after {} rounds", givingUp.limit)
                              : "; it is given up at the next failure");
  return said + fmt::format("; it is given up if it still fails in {}{} (retry.give_up_after)",
                            config::roughly(left),
                            roundsLeft ? fmt::format(" and {} rounds are counted", givingUp.limit) : "");
}

std::vector<std::string> wordsOf(const queue::AlertRecord& alert) {
  std::vector<std::string> words;
  std::string origin = "submitted by the user " + alert.caller;
  if (!alert.label.empty()) origin += fmt::format(" ({})", alert.label);
  if (!alert.group.empty()) origin += ", to the group " + alert.group;
  if (!alert.key.empty()) origin += fmt::format(", with the key \"{}\"", alert.key);
  words.push_back(origin);
  if (!alert.expires.empty()) words.push_back("expires at " + alert.expires);
  if (alert.repeats > 0)
    words.push_back(fmt::format("{} alert{} with the same key {} of it, the last at {}", alert.repeats,
                                alert.repeats == 1 ? "" : "s",
                                alert.repeats == 1 ? "was a duplicate" : "were duplicates", alert.repeated));
  if (!alert.resolvedBy.empty())
    words.push_back("resolved by an alert of " + alert.resolvedBy + ", which was not sent");
  return words;
}

namespace {

/// Whether a gateway or the network may have taken an SMS of this message.
bool mayHaveBeenSent(const MessageLife& life) {
  for (const SubmissionRecord& submission : life.submissions) {
    if (submission.fate == "discarded" || submission.fate == "released") return true;
    for (const AttemptRecord& attempt : submission.attempts)
      if (attempt.outcome == "unknown" || attempt.outcome == queue::notUnderstood) return true;
  }
  return false;
}

/// A retry takes the time of expiry of an alert away.
bool expiresByItself(const MessageLife& life) { return life.alert && !life.alert->expires.empty(); }

}  // namespace

std::string nextStep(const MessageLife& life, Retryable retryable, FromSmsd fromSmsd) {
  const auto id = life.message.id;
  switch (life.message.status) {
    case SentStatus::sent:
      return "nothing to do";
    case SentStatus::ignored:
      if ((life.ignoredBecause == "expired" && !expiresByItself(life)) || retryable == Retryable::tooOld)
        return std::string(
                   "if it still matters, send its text as a new message (`smsctl send`): it is too ") +
               "old for queue.expire_after" + (mayHaveBeenSent(life) ? "; it may have been sent before" : "");
      return fmt::format("if it still matters, `smsctl queue retry {}` makes it unsent again{}", id,
                         mayHaveBeenSent(life) ? "; it may have been sent, and would arrive twice then" : "");
    case SentStatus::unsent:
      break;
  }
  if (toldBySubmission(life)) {
    const SubmissionRecord& last = life.submissions.back();
    if (last.fate == "held")
      return fmt::format(
          "decide: `smsctl queue release {0}` lets it be sent again, `smsctl queue discard {0}` "
          "gives it up",
          last.id);
  }
  if (fromSmsd == FromSmsd::no) return "no smsd on this host answers: `smsctl status` shows why";
  if (toldBySubmission(life))
    return "wait for the outcome; `smsctl dispatcher list` shows whether the dispatcher works";
  if (!life.waitsUntil.empty())
    return fmt::format(
        "`smsctl queue retry {}` tries it now, `smsctl dispatcher list` shows whether a "
        "dispatcher works",
        id);
  if (!life.pacedUntil.empty())
    return "wait: its recipient is paced, because an SMS left to it lately (pace in smsd.yaml)";
  if (life.message.underWay) return "wait: the SMS of its recipient has to end first";
  return "wait; if it is not sent within a minute, `smsctl status` shows why";
}

std::string whyNotCancelled(format::MessageId id, const std::optional<MessageLife>& life) {
  if (!life) return fmt::format("there is no message {} in the queue", id);
  const auto because = [id](const std::string& why) {
    return fmt::format("message {} cannot be cancelled: {}", id, why);
  };
  const auto state = stateOf(*life);
  if (state == "sent") return because("it was sent");
  if (state == "ignored") return because("it is ignored already");
  if (state == "held")
    return because(
        fmt::format("it is held, because it may have been sent: `smsctl queue discard {}` gives it up",
                    life->submissions.back().id));
  return because(fmt::format("an SMS to its recipient is under way; `smsctl explain {}` shows it", id));
}

std::string formatting(const SubmissionRecord& submission) {
  if (submission.parts == 0 || submission.encoding.empty()) return "";
  return fmt::format("{} part{}, {} {}", submission.parts, submission.parts == 1 ? "" : "s", submission.units,
                     submission.encoding == "gsm7" ? "septets in GSM-7" : "UTF-16 units in UCS-2");
}

std::string tookWords(queue::Duration took) {
  using namespace std::chrono_literals;
  if (took < 1s) return fmt::format("{} ms", took.count());
  if (took < 60s) return fmt::format("{:.1f} s", static_cast<double>(took.count()) / 1000);
  return config::roughly(took);
}

}  // namespace smsd::smsctl
