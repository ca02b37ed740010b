// SPDX-License-Identifier: GPL-3.0-or-later
// The commands that change the queue: `smsctl send`, `queue cancel`, `queue release`, `queue discard`;
// through the daemon or straight on the queue.
//
// Called by main. Owns the question before a cancel of everything. An act straight on the queue writes its
// own journal entry; the daemon writes that of an act through it.
#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "common/io/output.h"
#include "common/text/number-form.h"
#include "common/text/utf.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/cancel-steps.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using proto::Control;
using Cancel = queue::Queue::Cancel;

constexpr int nothingDone = 1;
constexpr std::size_t shownByText = 20;  // messages of a cancel

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

/// The messages that were put into the queue.
struct Queued {
  std::vector<format::MessageId> ids;
  std::size_t parts = 1, maxParts = 1;
};

Queued sendThrough(control::Client& client, const SendArguments& arguments, const std::string& text) {
  auto request = client.control().sendRequest();
  request.setRecipient(arguments.recipient);
  request.setGroup(arguments.group);
  request.setText(text);
  request.setSeverity(arguments.severity.value_or(0));
  try {
    auto response =
        client.wait<capnp::Response<Control::SendResults>>(request.send(), control::queuePatience);
    checkAnswer(response, EX_DATAERR);
    Queued queued{{response.getId()}, response.getParts(), response.getMaxParts()};
    if (response.getIds().size() > 0) queued.ids.clear();
    for (const auto id : response.getIds()) queued.ids.push_back(id);
    return queued;
  } catch (const kj::Exception& error) {
    if (error.getType() == kj::Exception::Type::UNIMPLEMENTED) throw;
    throw CommandError(EX_TEMPFAIL, control::noAnswer(error) +
                                        "; the message may be in the queue: `smsctl queue list` shows it");
  }
}

std::vector<std::string> numbersOf(const config::Config& config, const SendArguments& arguments) {
  if (arguments.group.empty()) {
    auto form = text::oneForm(arguments.recipient, config.country);
    if (!form.problem.empty()) throw CommandError(EX_DATAERR, form.problem);
    return {std::move(form.number)};
  }
  const auto* group = config::groupNamed(config, arguments.group);
  if (group == nullptr) throw CommandError(EX_DATAERR, fmt::format("there is no group {}", arguments.group));
  return group->numbers;
}

Queued sendStraight(const config::Config& config, queue::Queue& queue, const SendArguments& arguments,
                    const std::string& text) {
  const auto numbers = numbersOf(config, arguments);
  std::vector<queue::NewMessage> messages;
  for (const auto& number : numbers) messages.push_back({std::nullopt, number, text, arguments.severity});
  const auto ids = queue.insert(messages);
  const events::EventLog log(config.log.recipient);
  for (std::size_t n = 0; n < ids.size(); ++n) log.operatorSent(ids[n], numbers.at(n), getuid());
  nudge(config);
  return {ids, control::partsOfAll(text, config.formatting),
          static_cast<std::size_t>(config.formatting.maxParts)};
}

/// Warns if the text will be cut. The message is in the queue and is sent, but not all of its text.
void sayIfCut(const Queued& message) {
  if (message.parts > message.maxParts)
    io::complain(fmt::format(
        "smsctl: the text takes {} parts of an SMS, but formatting.max_parts is {}: it will be cut\n",
        message.parts, message.maxParts));
}

queue::Cancelled cancelThrough(control::Client& client, const queue::Choice& choice, Cancel cancel) {
  auto request = client.control().cancelChosenRequest();
  auto wire = request.initChoice();
  wire.setMessage(choice.message);
  wire.setOfRecipient(choice.recipient.has_value());
  wire.setRecipient(choice.recipient.value_or(""));
  wire.setMinimumAge(static_cast<std::uint64_t>(std::max<std::int64_t>(choice.minimumAge.count(), 0)));
  request.setPreview(cancel == Cancel::preview);
  request.setListed(proto::MAX_LISTED);
  auto response =
      client.wait<capnp::Response<Control::CancelChosenResults>>(request.send(), control::queuePatience);
  checkAnswer(response, EX_DATAERR);
  return {response.getCount(), control::read(response.getMessages())};
}

queue::Cancelled cancelled(const Site& site, const queue::Choice& choice, Cancel cancel) {
  return throughOrStraight(
      site, Straight::ifDenied,
      [&](control::Client& client) { return cancelThrough(client, choice, cancel); },
      [&](queue::Queue& queue) {
        if (cancel == Cancel::preview) return queue.cancelChosen(choice, cancel, proto::MAX_LISTED);
        queue::Cancelled done;
        const auto error = queue::cancelInSteps(queue, choice, 0, done);
        if (!error || done.count > 0)
          events::EventLog(site.config.log.recipient).operatorCancelled(choice, done, getuid());
        if (error) throw *error;
        return done;
      });
}

void printPreview(const queue::Cancelled& found, Form form) {
  if (form == Form::json) {
    ordered_json list = ordered_json::array();
    for (const auto& message : found.messages) list.push_back(asJson(message));
    return io::print(dump({{"would_cancel", found.count}, {"messages", std::move(list)}}));
  }
  io::print(fmt::format("{} message{} would be cancelled{}\n", found.count, found.count == 1 ? "" : "s",
                        found.count == 0 ? "" : ":"));
  const std::size_t shown = std::min(found.messages.size(), shownByText);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& message = found.messages[i];
    io::print(fmt::format("  {} to {} of {}: {}\n", message.id, text::printable(message.recipient, 64),
                          text::printable(message.time, 23), text::printable(message.text, 100)));
  }
  if (found.count > shown) io::print(fmt::format("  and {} more\n", found.count - shown));
}

/// Asks on the terminal whether to cancel everything. Throws if there is nobody to be asked.
void askFirst(const Site& site, const CancelArguments& arguments, Form form) {
  if (form == Form::json || isatty(STDIN_FILENO) != 1)
    throw CommandError(EX_USAGE,
                       "queue cancel: this would cancel every unsent message: choose by ID, --recipient or "
                       "--older-than, or confirm with --yes; --dry-run shows the messages");
  printPreview(cancelled(site, arguments.choice, Cancel::preview), form);
  io::print("Cancel every unsent message, also those that have arrived since? [y/N] ");
  io::flush();
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw CommandError(nothingDone, "nothing was cancelled");
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

template <typename Request, typename Results>
std::size_t decideThrough(control::Client& client, Request request, queue::SubmissionId id) {
  request.setSubmission(id);
  auto response = client.wait<capnp::Response<Results>>(request.send(), control::queuePatience);
  checkAnswer(response, EX_DATAERR);
  return response.getCount();
}

}  // namespace

int send(const Site& site, const SendArguments& arguments, Form form) {
  const std::string given = arguments.text == "-" ? readText(std::cin) : text::repair(arguments.text);
  if (given.empty()) throw CommandError(EX_DATAERR, "TEXT: expected a message, found nothing");
  const Queued queued = throughOrStraight(
      site, Straight::ifUnheard,
      [&](control::Client& client) { return sendThrough(client, arguments, given); },
      [&](queue::Queue& queue) { return sendStraight(site.config, queue, arguments, given); });
  sayIfCut(queued);
  if (form == Form::json)
    io::print(dump({{"id", queued.ids.at(0)}, {"ids", queued.ids}}));
  else
    for (const auto id : queued.ids) io::print(fmt::format("message {} is in the queue\n", id));
  return EX_OK;
}

int cancelQueue(const Site& site, const CancelArguments& arguments, Form form) {
  const auto& choice = arguments.choice;
  if (arguments.cancel == Cancel::preview) {
    printPreview(cancelled(site, choice, Cancel::preview), form);
    return EX_OK;
  }
  if (choice.all() && arguments.consent == CancelArguments::Consent::asked) askFirst(site, arguments, form);
  const std::size_t count = cancelled(site, choice, Cancel::act).count;
  if (count == 0 && choice.message != 0)
    throw CommandError(nothingDone,
                       fmt::format("message {} cannot be cancelled: it is not there, not unsent, "
                                   "under way or held; `smsctl explain {}` shows which",
                                   choice.message, choice.message));
  if (form == Form::json)
    io::print(dump({{"cancelled", count}}));
  else
    io::print(fmt::format("{} message{} will not be sent\n", count, count == 1 ? "" : "s"));
  return EX_OK;
}

int releaseHeld(const Site& site, queue::SubmissionId id, Form form) {
  const std::size_t released = throughOrStraight(
      site, Straight::ifDenied,
      [&](control::Client& client) {
        return decideThrough<decltype(client.control().releaseRequest()), Control::ReleaseResults>(
            client, client.control().releaseRequest(), id);
      },
      [&](queue::Queue& queue) {
        const std::size_t count = queue.release(id);
        if (count == 0) return count;
        nudge(site.config);
        noteAct(site.config, fmt::format("release of the held SMS {}, with {} messages", id, count));
        return count;
      });
  return say("released", released, id, "may be sent again", form);
}

int discardHeld(const Site& site, queue::SubmissionId id, Form form) {
  const std::size_t discarded = throughOrStraight(
      site, Straight::ifDenied,
      [&](control::Client& client) {
        return decideThrough<decltype(client.control().discardRequest()), Control::DiscardResults>(
            client, client.control().discardRequest(), id);
      },
      [&](queue::Queue& queue) {
        const std::size_t count = queue.discard(id);
        if (count > 0)
          noteAct(site.config, fmt::format("discard of the held SMS {}, with {} messages", id, count));
        return count;
      });
  return say("discarded", discarded, id, "will not be sent", form);
}

}  // namespace smsd::smsctl
