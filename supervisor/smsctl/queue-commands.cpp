#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>
#include <sysexits.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "common/text/utf.h"
#include "supervisor/open-queue.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

std::string dump(const ordered_json& value) {
  return value.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json json(const queue::StoredMessage& message) {
  return {{"id", message.id},
          {"recipient", message.recipient},
          {"user", message.user},
          {"severity", message.severity ? ordered_json(*message.severity) : ordered_json(nullptr)},
          {"time", message.time},
          {"status", std::string(1, static_cast<char>(message.status))},
          {"under_way", message.underWay},
          {"text", message.text}};
}

void print(const queue::StoredMessage& message) {
  std::cout << fmt::format("{:>9}  {:<15} {:>3}  {:<16} {}{} {:<10} {}\n", message.id,
                           text::printable(message.recipient, 15),
                           message.severity ? std::to_string(*message.severity) : "-", message.time,
                           static_cast<char>(message.status), message.underWay ? '*' : ' ',
                           text::printable(message.user, 10), text::printable(message.text, 200));
}

}  // namespace

int send(const Config& config, const SendArguments& arguments, Form form) {
  if (text::printable(arguments.recipient, proto::MAX_RECIPIENT) != arguments.recipient ||
      arguments.recipient.empty())
    throw Failure(EX_DATAERR, fmt::format("PHONE: expected a number of 1 to {} characters",
                                          std::uint32_t(proto::MAX_RECIPIENT)));
  if (arguments.text.empty()) throw Failure(EX_DATAERR, "TEXT: expected a message, found nothing");
  auto queue = openQueue(config);
  auto ids = queue->insert({{.account = std::nullopt,
                             .recipient = arguments.recipient,
                             .text = text::repair(arguments.text),
                             .severity = arguments.severity}});
  nudge(config);
  if (form == Form::json)
    std::cout << dump({{"id", ids.at(0)}});
  else
    std::cout << fmt::format("message {} is in the queue\n", ids.at(0));
  return EX_OK;
}

int listQueue(const Config& config, const ListArguments& arguments, Form form) {
  auto queue = openQueue(config);
  auto messages = arguments.recipient.empty() ? queue->messages(arguments.status, arguments.limit + 1)
                                              : queue->messagesOf(arguments.recipient, arguments.status);
  bool more = messages.size() > arguments.limit;
  if (more) messages.resize(arguments.limit);
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& message : messages) list.push_back(json(message));
    std::cout << dump(list);
    return EX_OK;
  }
  if (messages.empty()) {
    std::cout << "no such message\n";
    return EX_OK;
  }
  std::cout << fmt::format("{:>9}  {:<15} {:>3}  {:<16} {:<2} {:<10} {}\n", "id", "recipient", "sev", "time",
                           "st", "user", "text");
  for (const auto& message : messages) print(message);
  if (more) std::cout << fmt::format("... and more; `--limit` shows more than {}\n", arguments.limit);
  return EX_OK;
}

int cancelQueue(const Config& config, Milliseconds minimumAge, Form form) {
  std::size_t cancelled = openQueue(config)->cancel(minimumAge);
  if (form == Form::json)
    std::cout << dump({{"cancelled", cancelled}});
  else
    std::cout << fmt::format("{} message{} will not be sent\n", cancelled, cancelled == 1 ? "" : "s");
  return EX_OK;
}

int installDatabase(const Config& config, const queue::InstallOptions& options) {
  auto report = config.queue.backend == Backend::postgresql
                    ? queue::installPostgresql(config.queue.postgresql, options)
                    : queue::installSqlite(config.queue.sqlite.string());
  for (const auto& done : report.done) std::cout << done << "\n";
  if (report.done.empty()) std::cout << "nothing to do: the queue is installed\n";
  // Advice is SQL with comments: what is printed can be piped into psql.
  for (const auto& advice : report.advice)
    std::cout << advice << (advice.starts_with("--") || advice.ends_with(";") ? "\n" : ";\n");
  return EX_OK;
}

int checkDatabase(const Config& config) {
  auto depth = openQueue(config)->depth(100'000);
  std::cout << fmt::format("the {} queue can be reached and is installed: {}{} unsent\n", backendName(config),
                           depth.unsent, depth.more ? " or more" : "");
  return EX_OK;
}

int explainKeys(Form form) {
  auto keys = explainConfig();
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& key : keys)
      list.push_back({{"key", key.key},
                      {"type", key.type},
                      {"default", key.defaultValue},
                      {"required", key.required},
                      {"help", key.help}});
    std::cout << dump(list);
    return EX_OK;
  }
  for (const auto& key : keys)
    std::cout << fmt::format("{}\n    {}{}\n    {}\n", key.key, key.type,
                             key.required               ? ", required"
                             : key.defaultValue.empty() ? ""
                                                        : ", default " + key.defaultValue,
                             key.help);
  return EX_OK;
}

}  // namespace smsd::smsctl
