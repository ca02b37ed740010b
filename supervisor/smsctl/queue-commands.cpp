// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>
#include <sysexits.h>
#include <unistd.h>

#include <iostream>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/events/events.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

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

/// Reads `in`, up to slightly more than the longest text that the queue accepts. Removes line ends at the
/// end, as a pipe adds one.
std::string readText(std::istream& in) {
  constexpr std::size_t most = proto::MAX_TEXT + 2;
  std::string read(most, '\0');
  in.read(read.data(), static_cast<std::streamsize>(most));
  read.resize(static_cast<std::size_t>(in.gcount()));
  while (!read.empty() && (read.back() == '\n' || read.back() == '\r')) read.pop_back();
  return text::repair(read);
}

/// Warns if the text will be cut. The message is in the queue and is sent, but not all of its text.
void sayIfCut(const std::string& given, const format::FormatRules& rules) {
  format::FormatRules enough = rules;
  enough.maxParts = 255;
  const auto parts = format::format({{1, given, std::nullopt}}, enough).parts;
  if (parts > static_cast<std::size_t>(rules.maxParts))
    io::complain(fmt::format(
        "smsctl: the text takes {} parts of an SMS, but formatting.max_parts is {}: it will be cut\n", parts,
        rules.maxParts));
}

/// Prints the result of an operator's decision about a held SMS.
int say(const char* decision, std::size_t messages, queue::SubmissionId id, std::string_view consequence,
        Form form) {
  if (messages == 0)
    throw CommandError(1,
                       fmt::format("no held SMS has the id {}: `smsctl queue held` lists the held SMS", id));
  if (form == Form::json)
    io::print(dump({{decision, messages}}));
  else
    io::print(fmt::format("{} message{} {}\n", messages, messages == 1 ? "" : "s", consequence));
  return EX_OK;
}

ordered_json json(const queue::LiveSupervisor& one) {
  return {{"name", one.name},
          {"host", one.host},
          {"pid", one.pid},
          {"program", one.program},
          {"schema_known", one.knows}};
}

void print(const queue::Installation& found) {
  const auto& schema = found.schema;
  if (schema.known > 0)  // a queue of the administrator's own may have none
    io::print(
        fmt::format("schema: version {}{}\n", schema.installed,
                    schema.installed < schema.known
                        ? fmt::format(", and this program knows {}: `smsctl db install` upgrades it, as "
                                      "its owner and while smsd runs",
                                      schema.known)
                        : ""));
  for (const auto& one : found.supervisors)
    io::print(fmt::format("supervisor {} on {}, pid {}: smsd{}{}\n", text::printable(one.name),
                          text::printable(one.host), one.pid,
                          one.program.empty() ? "" : " " + text::printable(one.program),
                          schema.known > 0 ? fmt::format(", knows schema version {}", one.knows) : ""));
}

}  // namespace

int send(const config::Config& config, const SendArguments& arguments, Form form) {
  if (text::printable(arguments.recipient, proto::MAX_RECIPIENT) != arguments.recipient ||
      arguments.recipient.empty())
    throw CommandError(EX_DATAERR, fmt::format("PHONE: expected a number of 1 to {} characters",
                                               std::uint32_t(proto::MAX_RECIPIENT)));
  const std::string given = arguments.text == "-" ? readText(std::cin) : text::repair(arguments.text);
  if (given.empty()) throw CommandError(EX_DATAERR, "TEXT: expected a message, found nothing");
  auto queue = config::openQueue(config);
  auto ids = queue->insert({{.account = std::nullopt,
                             .recipient = arguments.recipient,
                             .text = given,
                             .severity = arguments.severity}});
  nudge(config);
  sayIfCut(given, config.formatting);
  if (form == Form::json)
    io::print(dump({{"id", ids.at(0)}}));
  else
    io::print(fmt::format("message {} is in the queue\n", ids.at(0)));
  return EX_OK;
}

int listQueue(const config::Config& config, const ListArguments& arguments, Form form) {
  auto queue = config::openQueue(config);
  auto messages = arguments.recipient.empty() ? queue->messages(arguments.status, arguments.limit + 1)
                                              : queue->messagesOf(arguments.recipient, arguments.status);
  bool more = messages.size() > arguments.limit;
  if (more) messages.resize(arguments.limit);
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& message : messages) list.push_back(asJson(message));
    io::print(dump(list));
    return EX_OK;
  }
  if (messages.empty()) {
    const char* which = arguments.status == queue::SentStatus::unsent ? "unsent"
                        : arguments.status == queue::SentStatus::sent ? "sent"
                                                                      : "ignored";
    io::print(fmt::format("the queue has no {} message{}\n", which,
                          arguments.recipient.empty()
                              ? ""
                              : " to " + text::printable(arguments.recipient, proto::MAX_RECIPIENT)));
    return EX_OK;
  }
  io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<16} {:<2} {:<10} {}\n", "id", "recipient", "sev", "time",
                        "st", "user", "text"));
  for (const auto& message : messages) print(message);
  if (more) io::print(fmt::format("... and more; `--limit` shows more than {}\n", arguments.limit));
  return EX_OK;
}

int cancelQueue(const config::Config& config, Milliseconds minimumAge, Form form) {
  std::size_t cancelled = config::openQueue(config)->cancel(minimumAge);
  noteAct(config, fmt::format("cancel of {} messages", cancelled));
  if (form == Form::json)
    io::print(dump({{"cancelled", cancelled}}));
  else
    io::print(fmt::format("{} message{} will not be sent\n", cancelled, cancelled == 1 ? "" : "s"));
  return EX_OK;
}

int listHeld(const config::Config& config, std::size_t limit, Form form) {
  auto held = config::openQueue(config)->held(limit + 1);
  const bool more = held.size() > limit;
  if (more) held.resize(limit);
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& sms : held) list.push_back(json(sms));
    io::print(dump(list));
    return EX_OK;
  }
  if (held.empty()) {
    io::print("nothing is held\n");
    return EX_OK;
  }
  io::print(fmt::format("{:>9}  {:<15} {:>3}  {:<19}  {:<10} {}\n", "id", "recipient", "sev", "since",
                        "dispatcher", "reason"));
  for (const auto& sms : held) print(sms);
  if (more) io::print(fmt::format("... and more; `--limit` shows more than {}\n", limit));
  return EX_OK;
}

int releaseHeld(const config::Config& config, queue::SubmissionId id, Form form) {
  const std::size_t released = config::openQueue(config)->release(id);
  if (released > 0) {
    nudge(config);
    noteAct(config, fmt::format("release of the held SMS {}, with {} messages", id, released));
  }
  return say("released", released, id, "may be sent again", form);
}

int discardHeld(const config::Config& config, queue::SubmissionId id, Form form) {
  const std::size_t discarded = config::openQueue(config)->discard(id);
  if (discarded > 0)
    noteAct(config, fmt::format("discard of the held SMS {}, with {} messages", id, discarded));
  return say("discarded", discarded, id, "will not be sent", form);
}

void noteAct(const config::Config& config, const std::string& act) {
  events::EventLog(config.log.recipient).operatorActed(act, getuid());
}

int installDatabase(const config::Config& config, const queue::InstallOptions& options, Form form) {
  auto report = config::installQueue(config, options);
  if (form == Form::json) {
    io::print(dump({{"done", report.done}, {"granted", report.granted}, {"advice", report.advice}}));
    return EX_OK;
  }
  // The output can be piped into psql: the work done is printed as comments, the advice as SQL.
  for (const auto& done : report.done) io::print(fmt::format("-- created: {}\n", text::printable(done)));
  if (report.done.empty()) io::print("-- nothing to do: the queue is installed\n");
  if (!report.granted.empty())
    io::print(fmt::format("-- granted to the role {}: what smsd needs\n", text::printable(report.granted)));
  for (const auto& advice : report.advice) {
    const std::string last = advice.substr(advice.find_last_of('\n', advice.size() - 2) + 1);
    io::print(advice + (last.starts_with("--") || advice.ends_with(";") ? "\n" : ";\n"));
  }
  return EX_OK;
}

int checkDatabase(const config::Config& config, Form form) {
  const auto queue = config::openQueue(config);
  const auto depth = queue->depth(100'000);
  const auto found = queue->installation();
  if (form == Form::json) {
    ordered_json supervisors = ordered_json::array();
    for (const auto& one : found.supervisors) supervisors.push_back(json(one));
    io::print(dump({{"backend", config::backendName(config)},
                    {"reachable", true},
                    {"unsent", depth.unsent},
                    {"more", depth.more},
                    {"schema", found.schema.installed},
                    {"schema_known", found.schema.known},
                    {"supervisors", supervisors}}));
    return EX_OK;
  }
  io::print(fmt::format("the {} queue can be reached and is installed: {}{} unsent\n",
                        config::backendName(config), depth.unsent, depth.more ? " or more" : ""));
  print(found);
  return EX_OK;
}

}  // namespace smsd::smsctl
