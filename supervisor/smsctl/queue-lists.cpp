// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl queue list` and `smsctl queue held`, through the daemon or straight on the queue.
//
// Called by main. Changes nothing. smsd lists at most maxListed messages in one answer; a longer list needs a
// user who may read the configuration.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using proto::Control;

void print(const queue::StoredMessage& message) {
  io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<16} {}{} {:<10} {}\n", message.id,
                        text::printable(message.recipient, 15),
                        message.severity ? std::to_string(*message.severity) : "-",
                        text::printable(message.time, 23), static_cast<char>(message.status),
                        message.held       ? '?'
                        : message.underWay ? '*'
                                           : ' ',
                        text::printable(message.user, 10), text::printable(message.text, 200)));
}

ordered_json json(const queue::HeldSms& sms) {
  return {{"id", sms.id},
          {"recipient", sms.recipient},
          {"severity", orNull(sms.severity)},
          {"since", sms.since},
          {"dispatcher", sms.dispatcher},
          {"reason", sms.reason},
          {"messages", sms.messages},
          {"text", sms.text}};
}

void print(const queue::HeldSms& sms) {
  io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<19}  {:<10} {}\n{:>11}messages {}: {}\n", sms.id,
                        text::printable(sms.recipient, 15),
                        sms.severity ? std::to_string(*sms.severity) : "-", text::printable(sms.since, 19),
                        text::printable(sms.dispatcher, 10), text::printable(sms.reason, 200), "",
                        fmt::join(sms.messages, ", "), text::printable(sms.text, 200)));
}

/// A part of a list, from its beginning.
template <typename T>
struct Listed {
  std::vector<T> items;
  bool more = false;
};

template <typename T>
Listed<T> upTo(std::size_t limit, std::vector<T> found) {
  const bool more = found.size() > limit;
  if (more) found.resize(limit);
  return {std::move(found), more};
}

/// Calls the daemon, unless the list is longer than it returns and this user can read it without the daemon.
template <typename Through, typename StraightOn>
auto listed(const Site& site, std::size_t limit, Through through, StraightOn straightOn) {
  if (limit > proto::MAX_LISTED && site.wasRead()) return straightOn(*config::openExistingQueue(site.config));
  return throughOrStraight(site, Straight::ifUnheard, through, straightOn);
}

std::uint32_t wireLimit(std::size_t limit) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(limit, proto::MAX_LISTED));
}

/// A list that ends before the limit is shorter than asked for, which a program that reads it has to know.
void sayMore(std::size_t shown, std::size_t limit, Form form) {
  if (shown < limit)
    io::complain(
        fmt::format("smsctl: smsd returns no more than these {} at once: choose fewer, or run this as a user "
                    "who may read smsd.yaml, with --limit above {}\n",
                    shown, std::uint32_t(proto::MAX_LISTED)));
  else if (form == Form::text)
    io::print(fmt::format("... and more; `--limit` shows more than {}\n", limit));
}

Listed<queue::StoredMessage> messagesThrough(control::Client& client, const ListArguments& arguments) {
  auto request = client.control().listRequest();
  request.setStatus(kj::str(static_cast<char>(arguments.status)));
  request.setRecipient(arguments.recipient);
  request.setLimit(wireLimit(arguments.limit));
  auto response = client.wait<capnp::Response<Control::ListResults>>(request.send(), control::queuePatience);
  checkAnswer(response, EX_DATAERR);
  return {control::read(response.getMessages()), response.getMore()};
}

Listed<queue::HeldSms> heldThrough(control::Client& client, std::size_t limit) {
  auto request = client.control().heldRequest();
  request.setLimit(wireLimit(limit));
  auto response = client.wait<capnp::Response<Control::HeldResults>>(request.send(), control::queuePatience);
  checkAnswer(response, EX_DATAERR);
  return {control::read(response.getHeld()), response.getMore()};
}

Listed<queue::HeldSms> heldOf(const Site& site, std::size_t limit) {
  return listed(
      site, limit, [&](control::Client& client) { return heldThrough(client, limit); },
      [&](queue::Queue& queue) { return upTo(limit, queue.held(limit + 1)); });
}

std::string nothingOf(const ListArguments& arguments) {
  const char* which = arguments.status == queue::SentStatus::unsent ? "unsent"
                      : arguments.status == queue::SentStatus::sent ? "sent"
                                                                    : "ignored";
  return fmt::format(
      "the queue has no {} message{}\n", which,
      arguments.recipient.empty() ? "" : " to " + text::printable(arguments.recipient, proto::MAX_RECIPIENT));
}

}  // namespace

int listQueue(const Site& site, const ListArguments& arguments, Form form) {
  const auto found = listed(
      site, arguments.limit, [&](control::Client& client) { return messagesThrough(client, arguments); },
      [&](queue::Queue& queue) {
        const std::size_t most = arguments.limit + 1;
        return upTo(arguments.limit,
                    arguments.recipient.empty()
                        ? queue.messages(arguments.status, most)
                        : queue.firstMessagesOf(arguments.recipient, arguments.status, most));
      });
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& message : found.items) list.push_back(asJson(message));
    io::print(dump(list));
  } else if (found.items.empty()) {
    io::print(nothingOf(arguments));
  } else {
    io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<16} {:<2} {:<10} {}\n", "id", "recipient", "sev", "time",
                          "st", "user", "text"));
    for (const auto& message : found.items) print(message);
  }
  if (found.more) sayMore(found.items.size(), arguments.limit, form);
  return EX_OK;
}

std::vector<queue::SubmissionId> idsOfHeld(const Site& site, std::size_t limit) {
  std::vector<queue::SubmissionId> ids;
  for (const auto& sms : heldOf(site, limit).items) ids.push_back(sms.id);
  return ids;
}

int listHeld(const Site& site, std::size_t limit, Form form) {
  const auto found = heldOf(site, limit);
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& sms : found.items) list.push_back(json(sms));
    io::print(dump(list));
  } else if (found.items.empty()) {
    io::print("nothing is held\n");
  } else {
    io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<19}  {:<10} {}\n", "id", "recipient", "sev", "since",
                          "dispatcher", "reason"));
    for (const auto& sms : found.items) print(sms);
  }
  if (found.more) sayMore(found.items.size(), limit, form);
  return EX_OK;
}

}  // namespace smsd::smsctl
