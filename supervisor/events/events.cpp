// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/events/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/keys.h"
#include "common/journal/journal.h"
#include "common/text/utf.h"

namespace smsd::events {
namespace {

using journal::Entry;
using journal::Level;

constexpr std::size_t longestRecipient = 64;  // bytes of one that an operator typed

/// Counts the events that had no entry of their own.
std::string unsaid(unsigned more) {
  return more > 0 ? fmt::format("; {} more since the last entry", more) : "";
}

}  // namespace

std::string masked(const std::string& recipient) {
  constexpr std::size_t head = 3, tail = 2;
  if (recipient.size() <= head + tail) return std::string(recipient.size(), '*');
  return recipient.substr(0, head) + std::string(recipient.size() - head - tail, '*') +
         recipient.substr(recipient.size() - tail);
}

std::string EventLog::shown(const std::string& recipient) const {
  return recipients_ == config::RecipientInLog::plain ? recipient : masked(recipient);
}

void EventLog::daemonStarted(const std::string& version, const std::string& queue,
                             std::size_t dispatchers) const {
  Entry(Level::notice,
        fmt::format("smsd {} started: {} queue, {} dispatcher{}", version, queue, dispatchers,
                    dispatchers == 1 ? "" : "s"),
        "daemon-started", "260bee5e79c54618935dd5fae30f9c5e")
      .write();
}

void EventLog::daemonStopping(std::size_t underWay) const {
  Entry(Level::notice, fmt::format("stopping: {} SMS under way", underWay), "daemon-stopping",
        "375b2e90c60f47b0afd1931bfb78020d")
      .write();
}

void EventLog::daemonStopped(std::size_t left) const {
  std::string text =
      left == 0 ? "stopped" : fmt::format("stopped with {} SMS whose outcome is unknown", left);
  Entry(left == 0 ? Level::notice : Level::warning, text, "daemon-stopped",
        "60baebdc4c2d4484aaa1aed38e00c620")
      .write();
}

void EventLog::operatorActed(const std::string& act, std::optional<unsigned> uid) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::notice, fmt::format("{} by uid {}", act, who), "operator-acted",
        "e503c3850ab7408a84bd380cb80cac6a")
      .field("SMSD_UID", who)
      .write();
}

void EventLog::operatorSent(std::int64_t message, const std::string& recipient,
                            std::optional<unsigned> uid) const {
  operatorActed(fmt::format("send of message {} to {}", message, shown(recipient)), uid);
}

std::string EventLog::chosen(const queue::Choice& choice) const {
  if (choice.all()) return "all";
  std::string words;
  const auto add = [&words](const std::string& part) { words += (words.empty() ? "" : ", ") + part; };
  if (choice.message != 0) add(fmt::format("message {}", choice.message));
  if (choice.recipient)
    add("to " + (choice.recipient->empty() ? "an empty number"
                                           : text::printable(shown(*choice.recipient), longestRecipient)));
  if (choice.minimumAge > queue::Duration(0)) add("older than " + config::printDuration(choice.minimumAge));
  return words;
}

void EventLog::operatorCancels(const queue::Choice& choice, std::size_t count,
                               std::optional<unsigned> uid) const {
  operatorActed(fmt::format("begin of a cancel of {} messages (chosen: {})", count, chosen(choice)), uid);
}

void EventLog::operatorCancelled(const queue::Choice& choice, const queue::Cancelled& cancelled,
                                 std::optional<unsigned> uid) const {
  constexpr std::size_t named = 10;
  std::vector<format::MessageId> ids;
  for (std::size_t i = 0; i < std::min(named, cancelled.messages.size()); ++i)
    ids.push_back(cancelled.messages[i].id);
  std::string which = ids.empty() ? "" : fmt::format(": {}", fmt::join(ids, ", "));
  if (!ids.empty() && cancelled.count > ids.size())
    which += fmt::format(" and {} more", cancelled.count - ids.size());
  operatorActed(fmt::format("cancel of {} messages (chosen: {}){}", cancelled.count, chosen(choice), which),
                uid);
}

void EventLog::operatorRetried(const std::optional<std::string>& recipient,
                               std::optional<unsigned> uid) const {
  const std::string whom = !recipient           ? "every recipient that waits"
                           : recipient->empty() ? "an empty number"
                                                : shown(*recipient);
  operatorActed("retry of " + whom, uid);
}

void EventLog::operatorTested(const std::string& recipient, const std::string& result,
                              std::optional<unsigned> uid) const {
  operatorActed(fmt::format("test SMS to {} ({})", shown(recipient), result), uid);
}

void EventLog::controlRefused(const std::string& socket, std::optional<unsigned> uid, unsigned own,
                              unsigned all, unsigned more) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::warning,
        fmt::format("{}: refused a connection of uid {}: {} of this user and {} in all are open{}", socket,
                    who, own, all, unsaid(more)),
        "control-refused", "7f8f6a3203ed465d9c738d82a87f6fcd")
      .field("SMSD_UID", who)
      .write();
}

void EventLog::controlEnded(const std::string& socket, std::optional<unsigned> uid, const std::string& why,
                            unsigned more) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::warning,
        fmt::format("{}: closed a connection of uid {}: {}{}", socket, who, why, unsaid(more)),
        "control-ended", "02bccb46638441f68fea39281d56d4c5")
      .field("SMSD_UID", who)
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::reloaded(const std::string& changes) const {
  Entry(Level::notice, fmt::format("reloaded: {}", changes), "reloaded", "a2a836f08288441f981f1b564ca00748")
      .field("SMSD_REASON", changes)
      .write();
}

void EventLog::reloadRefused(const std::string& problems) const {
  std::string line;
  for (std::size_t at = 0, end; at < problems.size(); at = end + 1) {
    end = std::min(problems.find('\n', at), problems.size());
    if (end > at) line += (line.empty() ? "" : "; ") + problems.substr(at, end - at);
  }
  Entry(Level::error, fmt::format("the reload was refused, nothing has changed: {}", line), "reload-refused",
        "464f49a9a276469d90759f75e5769b97")
      .field("SMSD_REASON", line)
      .write();
}

void EventLog::endsByItself(const std::string& why) const {
  Entry(Level::error, fmt::format("smsd ends by itself, as configured: {}", why), "ends-by-itself",
        "be5e5684321842d7870a1120f7821cb7")
      .field("SMSD_REASON", why)
      .write();
}

}  // namespace smsd::events
