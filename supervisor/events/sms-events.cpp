// SPDX-License-Identifier: GPL-3.0-or-later
// The events of one SMS, or of several.
#include "supervisor/events/events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/journal/journal.h"

namespace smsd::events {
namespace {

using journal::Entry;
using journal::Level;

std::string ids(const queue::Submission& submission) {
  return fmt::format("{}", fmt::join(submission.sms.sent, " "));
}

Entry& attempt(Entry& entry, const queue::Submission& submission, const std::string& shownRecipient) {
  return entry.field("SMSD_ATTEMPT", std::to_string(submission.attempt))
      .field("SMSD_DISPATCHER", submission.dispatcher)
      .field("SMSD_RECIPIENT", shownRecipient)
      .field("SMSD_MESSAGE_IDS", ids(submission));
}

std::string size(const queue::Submission& submission) {
  std::size_t sent = submission.sms.sent.size(), ignored = submission.sms.ignored.size();
  std::string text =
      sent == 1 ? fmt::format("message {}", submission.sms.sent[0]) : fmt::format("{} messages", sent);
  if (ignored > 0) text += fmt::format(" (and {} only counted)", ignored);
  return text;
}

}  // namespace

void EventLog::sent(const queue::Submission& submission, const std::string& reference,
                    Milliseconds latency) const {
  const std::string recipient = shown(submission.recipient);
  Entry entry(Level::info,
              fmt::format("{}: sent {} to {} in {} ms", submission.dispatcher, size(submission), recipient,
                          latency.count()),
              "sms-sent", "0776ef4a73a54bdeb1ade59bb0ebf2f4");
  attempt(entry, submission, recipient)
      .field("SMSD_OUTCOME", "accepted")
      .field("SMSD_REFERENCE", reference)
      .field("SMSD_LATENCY_MS", std::to_string(latency.count()))
      .write();
}

void EventLog::sentMany(const std::string& dispatcher, std::size_t sms, std::size_t messages) const {
  Entry(Level::info, fmt::format("{}: sent {} more SMS with {} messages", dispatcher, sms, messages),
        "sms-sent-many", "8ad2cfb04d7243019d8d62e1c7bd5a0e")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_COUNT", std::to_string(sms))
      .write();
}

void EventLog::failedOver(const queue::Submission& submission, const delivery::Outcome& outcome,
                          const std::string& next) const {
  const std::string recipient = shown(submission.recipient);
  Entry entry(Level::warning,
              fmt::format("{}: {} for {}, goes to {}: {}", submission.dispatcher, name(outcome), recipient,
                          next, outcome.words),
              "sms-failed-over", "e60042b637ea4091afcb7145f61071a4");
  attempt(entry, submission, recipient)
      .field("SMSD_OUTCOME", name(outcome))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void EventLog::waits(const queue::Submission& submission, const delivery::Outcome& outcome, Milliseconds wait,
                     const Patience& patience) const {
  std::string end;
  if (patience.rounds == Patience::Rounds::usedUp)
    end = patience.givenUpIn ? fmt::format("; it is given up if it still fails in {} (retry.give_up_after)",
                                           config::roughly(*patience.givenUpIn))
                             : "; it is never given up (retry.give_up_after)";
  Entry entry(
      Level::warning,
      fmt::format(
          "{} waits {} after {}: {} from {}: {}{}", shown(submission.recipient),
          wait < std::chrono::seconds(1) ? config::printDuration(wait) : config::roughly(wait),
          submission.rounds == 0 ? "a round that does not count" : fmt::format("round {}", submission.rounds),
          name(outcome), submission.dispatcher, outcome.words, end),
      "sms-waits", "e7e7e12d226b4446b9b7503c1a21903a");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void EventLog::paced(const std::string& recipient, const pace::Decision& decision) const {
  const bool limit = decision.departure == pace::Departure::nextHour;
  const std::string shownRecipient = shown(recipient);
  Entry(limit ? Level::warning : Level::info,
        fmt::format("{} is paced: messages wait {} for one SMS ({})", shownRecipient,
                    config::roughly(decision.wait),
                    limit ? "the limit of pace.per_hour is reached" : "pace.window"),
        "sms-paced", "51bad96cc7f14375af8ca9cd70438222")
      .field("SMSD_RECIPIENT", shownRecipient)
      .write();
}

void EventLog::repeated(const queue::Submission& submission, const delivery::Outcome& outcome) const {
  Entry entry(Level::warning,
              fmt::format("{}: {} for {}, sent again with the same key: {}", submission.dispatcher,
                          name(outcome), shown(submission.recipient), outcome.words),
              "sms-repeated", "9b87fc8d34b34d4c847c0f8c1c8f0846");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void EventLog::held(const queue::Submission& submission, const delivery::Outcome& outcome) const {
  Entry entry(Level::warning,
              fmt::format("{}: SMS {} to {} may have been sent and is held (`smsctl queue held`): {}",
                          submission.dispatcher, submission.id, shown(submission.recipient), outcome.words),
              "sms-held", "f9f475b7068e4148992ca1a71ace07a3");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void EventLog::ignored(const queue::Submission& submission, const std::string& reason) const {
  Entry entry(
      Level::error,
      fmt::format("{} to {} will not be sent: {}", size(submission), shown(submission.recipient), reason),
      "sms-ignored", "5c2764d32ee648438ae8ed6d2ba1dd31");
  attempt(entry, submission, shown(submission.recipient)).field("SMSD_REASON", reason).write();
}

void EventLog::expired(std::size_t messages) const {
  Entry(Level::warning,
        fmt::format("{} message{} older than expire_after will not be sent", messages,
                    messages == 1 ? "" : "s"),
        "messages-expired", "7f075e43c5c64e6dbd98eb3e763b9369")
      .write();
}

void EventLog::settlementRefused(const queue::Submission& submission, const std::string& outcome,
                                 SetAside how, const std::string& why) const {
  std::string then = how == SetAside::held ? "it is held instead (`smsctl queue held`)"
                                           : "it stays under way until you restart smsd";
  Entry entry(Level::error,
              fmt::format("{}: SMS {} to {}: the queue refuses the outcome {}, {}: {}", submission.dispatcher,
                          submission.id, shown(submission.recipient), outcome, then, why),
              "settlement-refused", "1aa6c28896b4457f961fd800f1a87176");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", outcome)
      .field("SMSD_REASON", why)
      .write();
}

}  // namespace smsd::events
