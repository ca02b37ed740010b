// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/queue-answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/keys.h"
#include "common/kj/view.h"

namespace smsd::control {
namespace {

using queue::Duration;

std::int64_t wire(const std::optional<Duration>& duration) { return duration ? duration->count() : -1; }

std::optional<Duration> durationOf(std::int64_t wire) {
  if (wire < 0) return std::nullopt;
  return Duration(wire);
}

template <typename Record>
std::optional<int> severityOf(const Record& record) {
  if (!record.getGraded()) return std::nullopt;
  return record.getSeverity();
}

template <typename Builder>
void setSeverity(Builder& builder, const std::optional<int>& severity) {
  builder.setGraded(severity.has_value());
  builder.setSeverity(severity.value_or(0));
}

std::size_t bytesOf(const queue::StoredMessage& message) {
  constexpr std::size_t others = 96;  // numbers, times, pointers
  return others + message.recipient.size() + message.user.size() + message.text.size();
}

std::size_t bytesOf(const queue::HeldSms& sms) {
  constexpr std::size_t others = 128;
  return others + sms.recipient.size() + sms.text.size() + sms.reason.size() + sms.dispatcher.size() +
         sms.messages.size() * sizeof(format::MessageId);
}

std::size_t bytesOf(const queue::AttemptRecord& attempt) {
  constexpr std::size_t others = 96;
  return others + attempt.dispatcher.size() + attempt.reason.size() + attempt.reference.size();
}

/// Returns where the last `most` of `all` records begin.
std::size_t firstOf(std::size_t all, std::size_t most) { return all > most ? all - most : 0; }

/// The attempts that an answer holds, of those of one submission: the last ones.
std::size_t firstAttempt(const queue::SubmissionRecord& submission) {
  return firstOf(submission.attempts.size(), proto::MAX_ATTEMPTS);
}

std::size_t bytesOf(const queue::SubmissionRecord& submission) {
  constexpr std::size_t others = 256;
  std::size_t bytes =
      others + submission.text.size() + submission.messages.size() * sizeof(format::MessageId);
  for (std::size_t i = firstAttempt(submission); i < submission.attempts.size(); ++i)
    bytes += bytesOf(submission.attempts[i]);
  return bytes;
}

/// Returns where the submissions begin that an answer holds: the last ones, and at least one.
std::size_t firstSubmission(const std::vector<queue::SubmissionRecord>& submissions) {
  std::size_t first = submissions.size(), bytes = 0;
  while (first > 0 && (bytes += bytesOf(submissions[first - 1])) <= proto::MAX_ANSWER) --first;
  return std::min(first, submissions.empty() ? 0 : submissions.size() - 1);
}

template <typename Record>
std::size_t countFitting(const std::vector<Record>& records, std::size_t limit) {
  std::size_t bytes = 0, count = 0;
  for (; count < std::min(records.size(), limit); ++count)
    if ((bytes += bytesOf(records[count])) > proto::MAX_ANSWER) break;
  return count;
}

void write(proto::QueuedMessage::Builder builder, const queue::StoredMessage& message) {
  builder.setId(message.id);
  builder.setRecipient(view(message.recipient));
  builder.setUser(view(message.user));
  builder.setText(view(message.text));
  setSeverity(builder, message.severity);
  builder.setTime(view(message.time));
  builder.setStatus(view(std::string(1, static_cast<char>(message.status))));
  builder.setUnderWay(message.underWay);
  builder.setHeld(message.held);
}

queue::StoredMessage read(proto::QueuedMessage::Reader reader) {
  queue::StoredMessage message;
  message.id = reader.getId();
  message.recipient = textOf(reader.getRecipient());
  message.user = textOf(reader.getUser());
  message.text = textOf(reader.getText());
  message.severity = severityOf(reader);
  message.time = textOf(reader.getTime());
  message.status = statusOf(reader.getStatus()).value_or(queue::SentStatus::unsent);
  message.underWay = reader.getUnderWay();
  message.held = reader.getHeld();
  return message;
}

void write(proto::AttemptRecord::Builder builder, const queue::AttemptRecord& attempt) {
  builder.setId(attempt.id);
  builder.setDispatcher(view(attempt.dispatcher));
  builder.setOutcome(view(attempt.outcome));
  builder.setReason(view(attempt.reason));
  builder.setReference(view(attempt.reference));
  builder.setEnded(view(attempt.ended));
  builder.setTook(wire(attempt.took));
}

queue::AttemptRecord read(proto::AttemptRecord::Reader reader) {
  return {.id = reader.getId(),
          .dispatcher = textOf(reader.getDispatcher()),
          .outcome = textOf(reader.getOutcome()),
          .reason = textOf(reader.getReason()),
          .reference = textOf(reader.getReference()),
          .ended = textOf(reader.getEnded()),
          .took = durationOf(reader.getTook())};
}

/// Returns the number of attempts that were left out.
std::size_t write(proto::SubmissionRecord::Builder builder, const queue::SubmissionRecord& submission) {
  builder.setId(submission.id);
  builder.setKey(view(submission.key));
  builder.setText(view(submission.text));
  builder.setSupervisor(view(submission.supervisor));
  builder.setCreated(view(submission.created));
  builder.setEnded(view(submission.ended));
  builder.setFate(view(submission.fate));
  builder.setDecided(view(submission.decided));
  auto messages = builder.initMessages(static_cast<unsigned>(submission.messages.size()));
  for (unsigned i = 0; i < messages.size(); ++i) messages.set(i, submission.messages[i]);
  builder.setOnlyCounted(submission.onlyCounted);
  builder.setEncoding(view(submission.encoding));
  builder.setUnits(static_cast<std::uint32_t>(submission.units));
  builder.setParts(static_cast<std::uint32_t>(submission.parts));
  const std::size_t first = firstAttempt(submission);
  auto attempts = builder.initAttempts(static_cast<unsigned>(submission.attempts.size() - first));
  for (unsigned i = 0; i < attempts.size(); ++i) write(attempts[i], submission.attempts[first + i]);
  return first;
}

queue::SubmissionRecord read(proto::SubmissionRecord::Reader reader) {
  queue::SubmissionRecord submission;
  submission.id = reader.getId();
  submission.key = textOf(reader.getKey());
  submission.text = textOf(reader.getText());
  submission.supervisor = textOf(reader.getSupervisor());
  submission.created = textOf(reader.getCreated());
  submission.ended = textOf(reader.getEnded());
  submission.fate = textOf(reader.getFate());
  submission.decided = textOf(reader.getDecided());
  for (const auto id : reader.getMessages()) submission.messages.push_back(id);
  submission.onlyCounted = reader.getOnlyCounted();
  submission.encoding = textOf(reader.getEncoding());
  submission.units = reader.getUnits();
  submission.parts = reader.getParts();
  for (auto attempt : reader.getAttempts()) submission.attempts.push_back(read(attempt));
  return submission;
}

}  // namespace

std::string textOf(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

std::size_t partsOfAll(const std::string& text, const format::FormatRules& rules) {
  format::FormatRules enough = rules;
  enough.maxParts = 255;
  return format::format({{1, text, std::nullopt}}, enough).parts;
}

std::size_t mayList(std::uint32_t limit) { return std::min<std::uint32_t>(limit, proto::MAX_LISTED); }

std::size_t fitting(const std::vector<queue::StoredMessage>& messages, std::size_t limit) {
  return countFitting(messages, limit);
}

std::size_t fitting(const std::vector<queue::HeldSms>& held, std::size_t limit) {
  return countFitting(held, limit);
}

void write(capnp::List<proto::QueuedMessage>::Builder list,
           const std::vector<queue::StoredMessage>& messages) {
  for (unsigned i = 0; i < list.size(); ++i) write(list[i], messages[i]);
}

void write(capnp::List<proto::HeldSms>::Builder list, const std::vector<queue::HeldSms>& held) {
  for (unsigned i = 0; i < list.size(); ++i) {
    auto builder = list[i];
    const auto& sms = held[i];
    builder.setId(sms.id);
    builder.setRecipient(view(sms.recipient));
    builder.setText(view(sms.text));
    auto messages = builder.initMessages(static_cast<unsigned>(sms.messages.size()));
    for (unsigned at = 0; at < messages.size(); ++at) messages.set(at, sms.messages[at]);
    setSeverity(builder, sms.severity);
    builder.setDispatcher(view(sms.dispatcher));
    builder.setReason(view(sms.reason));
    builder.setSince(view(sms.since));
  }
}

namespace {

void write(proto::SubmittedAlert::Builder builder, const queue::AlertRecord& alert) {
  builder.setCaller(view(alert.caller));
  builder.setLabel(view(alert.label));
  builder.setGroup(view(alert.group));
  builder.setKey(view(alert.key));
  builder.setExpires(view(alert.expires));
  builder.setRepeats(alert.repeats);
  builder.setRepeated(view(alert.repeated));
  builder.setResolvedBy(view(alert.resolvedBy));
}

queue::AlertRecord read(proto::SubmittedAlert::Reader reader) {
  return {.caller = textOf(reader.getCaller()),
          .label = textOf(reader.getLabel()),
          .group = textOf(reader.getGroup()),
          .key = textOf(reader.getKey()),
          .expires = textOf(reader.getExpires()),
          .repeats = reader.getRepeats(),
          .repeated = textOf(reader.getRepeated()),
          .resolvedBy = textOf(reader.getResolvedBy())};
}

}  // namespace

void write(proto::MessageLife::Builder builder, const queue::MessageLife& life) {
  builder.setKnown(true);
  write(builder.initMessage(), life.message);
  builder.setTimeSent(view(life.timeSent));
  builder.setHasSmsid(life.smsid.has_value());
  builder.setSmsid(life.smsid.value_or(0));
  const std::size_t first = firstSubmission(life.submissions);
  std::size_t omitted = first;
  auto list = builder.initSubmissions(static_cast<unsigned>(life.submissions.size() - first));
  for (unsigned i = 0; i < list.size(); ++i) omitted += write(list[i], life.submissions[first + i]);
  builder.setOmitted(omitted);
  builder.setIgnoredBecause(view(life.ignoredBecause));
  builder.setWaitsUntil(view(life.waitsUntil));
  builder.setRounds(static_cast<std::uint32_t>(std::max(life.rounds, 0)));
  builder.setFailingSince(view(life.failingSince));
  builder.setFailing(wire(life.failing));
  builder.setLatency(wire(life.latency));
  if (life.alert) write(builder.initAlert(), *life.alert);
  builder.setPacedUntil(view(life.pacedUntil));
}

std::optional<queue::SentStatus> statusOf(capnp::Text::Reader letter) {
  if (letter == "N") return queue::SentStatus::unsent;
  if (letter == "Y") return queue::SentStatus::sent;
  if (letter == "I") return queue::SentStatus::ignored;
  return std::nullopt;
}

std::vector<queue::StoredMessage> read(capnp::List<proto::QueuedMessage>::Reader list) {
  std::vector<queue::StoredMessage> messages;
  for (auto one : list) messages.push_back(read(one));
  return messages;
}

std::vector<queue::HeldSms> read(capnp::List<proto::HeldSms>::Reader list) {
  std::vector<queue::HeldSms> held;
  for (auto one : list) {
    auto& sms = held.emplace_back();
    sms.id = one.getId();
    sms.recipient = textOf(one.getRecipient());
    sms.text = textOf(one.getText());
    for (const auto id : one.getMessages()) sms.messages.push_back(id);
    sms.severity = severityOf(one);
    sms.dispatcher = textOf(one.getDispatcher());
    sms.reason = textOf(one.getReason());
    sms.since = textOf(one.getSince());
  }
  return held;
}

queue::MessageLife read(proto::MessageLife::Reader reader) {
  queue::MessageLife life;
  life.message = read(reader.getMessage());
  life.timeSent = textOf(reader.getTimeSent());
  if (reader.getHasSmsid()) life.smsid = reader.getSmsid();
  for (auto submission : reader.getSubmissions()) life.submissions.push_back(read(submission));
  life.ignoredBecause = textOf(reader.getIgnoredBecause());
  life.waitsUntil = textOf(reader.getWaitsUntil());
  life.rounds = static_cast<int>(reader.getRounds());
  life.failingSince = textOf(reader.getFailingSince());
  life.failing = durationOf(reader.getFailing());
  life.latency = durationOf(reader.getLatency());
  if (reader.hasAlert()) life.alert = read(reader.getAlert());
  life.pacedUntil = textOf(reader.getPacedUntil());
  return life;
}

}  // namespace smsd::control
