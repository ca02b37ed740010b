// SPDX-License-Identifier: GPL-3.0-or-later
// Operations of NAV's queue class, on a queue in a file. See queue.h.
#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <algorithm>
#include <limits>

#include "supervisor/queue/ranges.h"
#include "supervisor/queue/rows.h"
#include "supervisor/queue/sqlite/claim.h"
#include "supervisor/queue/sqlite/sql-nav.h"
#include "supervisor/queue/sqlite/values.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

// Far more than formatting.max_parts can send, and the most that a worker accepts.
constexpr std::size_t longestText = proto::MAX_TEXT;

template <typename Column>
std::string withStatus(const Statement<Column>& statement, SentStatus status) {
  return fmt::format(fmt::runtime(statement.text()), static_cast<char>(status));
}

std::vector<StoredMessage> readMessages(Row<sql::Stored>& row) {
  std::vector<StoredMessage> messages;
  while (row.next()) messages.push_back(storedMessage(row));
  return messages;
}

// Names the violated check, without the message's text.
std::string explainRefusal(std::string_view said, const NewMessage& message) {
  if (said.find("phone_length") != std::string_view::npos)
    return fmt::format("the number has more than 15 characters, the most that the queue accepts ({} bytes)",
                       message.recipient.size());
  if (said.find("FOREIGN KEY") != std::string_view::npos)
    return fmt::format("there is no account {} in the queue", message.account.value_or(0));
  return std::string(said);
}

std::vector<StoredMessage> shown(Session& session, const std::vector<format::MessageId>& ids) {
  std::vector<StoredMessage> messages;
  for (const format::MessageId id : ids) {
    auto row = session.query(sql::oneMessage);
    if (row.bind(id).next()) messages.push_back(storedMessage(row));
  }
  return messages;
}

/// An age of zero or less chooses all messages, also those with a time ahead of our clock, which NAV's smsd
/// skips.
std::vector<format::MessageId> idsOf(Session& session, const Now& now, const Choice& choice,
                                     std::size_t most) {
  std::vector<format::MessageId> ids;
  auto row = session.query(sql::cancellable);
  row.bind(now.text, std::int64_t{choice.minimumAge.count()}, choice.message, choice.recipient,
           rowLimit(most));
  while (row.next()) ids.push_back(row.integer(sql::Cancelled::id));
  std::ranges::sort(ids);
  return ids;
}

/// Inside a transaction.
Cancelled cancelNow(Session& session, const Now& now, const std::vector<format::MessageId>& messages,
                    std::size_t listed) {
  std::vector<format::MessageId> ids;
  {
    auto row = session.query(sql::cancelThese);
    row.bind(now.text, listOf(messages));
    while (row.next()) ids.push_back(row.integer(sql::Cancelled::id));
  }
  recordIgnored(session, ids, "cancelled", now);
  session.query(sql::forgetEmptyWaits).bind(listOf(ids)).run();
  std::ranges::sort(ids);
  Cancelled cancelled{ids.size(), {}};
  ids.resize(std::min(ids.size(), listed));
  cancelled.messages = shown(session, ids);
  return cancelled;
}

}  // namespace

Cancelled SqliteQueue::cancelAndList(Duration minimumAge, std::size_t listed) {
  return cancelChosen({.message = 0, .recipient = {}, .minimumAge = minimumAge}, Cancel::act,
                      std::max<std::size_t>(listed, 1));
}

std::vector<format::MessageId> SqliteQueue::cancellable(const Choice& choice, std::size_t most) {
  return on([&](Session& session) { return idsOf(session, clock(session), choice, most); });
}

Cancelled SqliteQueue::cancelThese(const std::vector<format::MessageId>& messages, std::size_t listed) {
  return on([&](Session& session) {
    Transaction tx(session);
    Cancelled cancelled = cancelNow(session, clock(session), messages, listed);
    tx.commit();
    return cancelled;
  });
}

Cancelled SqliteQueue::cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed) {
  return on([&](Session& session) {
    Transaction tx(session, cancel == Cancel::act ? Transaction::Kind::write : Transaction::Kind::read);
    const Now now = clock(session);
    std::vector<format::MessageId> ids = idsOf(session, now, choice, std::numeric_limits<std::size_t>::max());
    Cancelled cancelled;
    if (cancel == Cancel::act) {
      cancelled = cancelNow(session, now, ids, listed);
    } else {
      cancelled.count = ids.size();
      ids.resize(std::min(ids.size(), listed));
      cancelled.messages = shown(session, ids);
    }
    tx.commit();
    return cancelled;
  });
}

std::vector<StoredMessage> SqliteQueue::messages(SentStatus status, std::size_t limit) {
  return on([&](Session& session) {
    const std::string statement = withStatus(sql::storedMessages, status);
    auto row = session.query(Statement<sql::Stored>(statement));
    return readMessages(row.bind(rowLimit(limit)));
  });
}

std::vector<StoredMessage> SqliteQueue::messagesOf(const std::string& recipient, SentStatus status) {
  return on([&](Session& session) {
    const std::string statement = withStatus(sql::messagesOf, status);
    auto row = session.query(Statement<sql::Stored>(statement));
    return readMessages(row.bind(recipient));
  });
}

std::vector<StoredMessage> SqliteQueue::firstMessagesOf(const std::string& recipient, SentStatus status,
                                                        std::size_t limit) {
  return on([&](Session& session) {
    const std::string statement = withStatus(sql::firstMessagesOf, status);
    auto row = session.query(Statement<sql::Stored>(statement));
    return readMessages(row.bind(recipient, rowLimit(limit)));
  });
}

std::vector<std::string> SqliteQueue::recipients(SentStatus status) {
  return on([&](Session& session) {
    std::vector<std::string> recipients;
    const std::string statement = withStatus(sql::recipients, status);
    for (auto row = session.query(Statement<sql::Recipients>(statement)); row.next();)
      recipients.push_back(row.text(sql::Recipients::phone));
    return recipients;
  });
}

// Called by commands only, which do not try again.
std::vector<format::MessageId> SqliteQueue::insert(const std::vector<NewMessage>& messages) try {
  return on([&](Session& session) {
    std::vector<format::MessageId> ids;
    Transaction tx(session);
    const Now now = clock(session);
    for (const NewMessage& message : messages) try {
        if (message.text.size() > longestText)
          throw QueueError(Kind::invalid,
                           fmt::format("a text of {} bytes: the queue accepts at most {}, which is more than "
                                       "any SMS holds",
                                       message.text.size(), longestText));
        ids.push_back(session.query(sql::insert)
                          .bind(message.account, now.text, message.recipient, message.text, message.severity)
                          .number());
      } catch (const QueueError& error) {
        if (error.kind() != Kind::invalid) throw;
        throw QueueError(Kind::invalid, explainRefusal(error.what(), message));
      }
    tx.commit();
    return ids;
  });
} catch (const QueueError& error) {
  if (error.kind() != Kind::unreachable) throw;
  throw QueueError(
      Kind::unreachable,
      fmt::format("{}; the message is not in the queue: send it again afterwards", error.what()));
}

std::size_t SqliteQueue::setStatus(format::MessageId id, SentStatus status, int smsid) {
  return on([&](Session& session) {
    Transaction tx(session);
    const std::size_t changed =
        session.query(sql::setStatus).bind(letter(status), smsid, clock(session).text, id).run();
    tx.commit();
    return changed;
  });
}

namespace {

/// Counts at most `most` messages in all. The rows of a range of severities are neighbours in the index.
std::vector<SeverityDepth> depthBySeverity(Session& session, std::int64_t most, std::int64_t now) {
  using sql::CountUnsent;
  std::vector<SeverityDepth> found;
  const auto add = [&](Row<CountUnsent>& row, std::optional<int> severity) {
    if (!row.next() || row.integer(CountUnsent::unsent) == 0) return;
    const std::int64_t unsent = row.integer(CountUnsent::unsent);
    most -= unsent;
    std::optional<Duration> oldest;
    if (const auto time = row.optionalInteger(CountUnsent::oldest)) oldest = elapsed(now - *time);
    if (!found.empty() && found.back().severity == severity) {  // both sides of 1 to 9 are one
      found.back().unsent += static_cast<std::uint64_t>(unsent);
      found.back().oldest = std::max(found.back().oldest, oldest);
      return;
    }
    found.push_back({severity, static_cast<std::uint64_t>(unsent), oldest});
  };
  const auto count = [&](std::int64_t from, std::int64_t to, int severity) {
    auto row = session.query(sql::countUnsent);
    add(row.bind(from, to, most), severity);
  };
  using Limits = std::numeric_limits<std::int64_t>;
  count(Limits::min(), 0, 0);
  count(10, Limits::max(), 0);
  for (int severity = 1; severity <= 9; ++severity) count(severity, severity, severity);
  auto row = session.query(sql::countUngraded);
  add(row.bind(most), std::nullopt);
  return found;
}

std::uint64_t countPaced(Session& session, std::int64_t most, std::int64_t now) {
  if (session.query(sql::anyPaced).bind(now).number() == 0) return 0;
  return static_cast<std::uint64_t>(session.query(sql::countPaced).bind(now, most).number());
}

}  // namespace

Depth SqliteQueue::depth(std::uint64_t bound) {
  return on([&](Session& session) {
    Depth depth;
    const std::int64_t most = rowLimit(bound);
    const std::int64_t now = clock(session).ms;
    depth.severities = depthBySeverity(session, most + 1, now);
    std::uint64_t counted = 0;
    for (const auto& one : depth.severities) counted += one.unsent;
    depth.more = counted > bound;
    depth.unsent = std::min(counted, bound);
    const auto consider = [&](const std::optional<std::int64_t>& time, std::optional<int> severity) {
      if (!time) return;  // the time is invalid
      const Duration age = elapsed(now - *time);
      if (depth.oldest && *depth.oldest >= age) return;
      depth.oldest = age;
      depth.oldestSeverity = severity;
    };
    std::int64_t severity = std::numeric_limits<std::int64_t>::min();
    for (std::int64_t hops = 0; hops <= most; ++hops) {
      auto row = session.query(sql::oldestAbove);
      if (!row.bind(severity).next()) break;
      severity = row.integer(sql::OldestAbove::severity);
      consider(row.optionalInteger(sql::OldestAbove::oldest), static_cast<int>(severity));
    }
    if (auto row = session.query(sql::oldestOfOthers); row.next())
      consider(row.optionalInteger(sql::Oldest::oldest), std::nullopt);
    depth.held =
        static_cast<std::uint64_t>(std::min(session.query(sql::countHeld).bind(most + 1).number(), most));
    if (auto row = session.query(sql::oldestHeld); depth.held > 0 && row.bind(now).next())
      if (const auto age = row.optionalInteger(sql::OldestHeld::age)) depth.oldestHeld = elapsed(*age);
    depth.paced = countPaced(session, most, now);
    depth.late = depth.oldest;
    if (depth.oldest &&
        (depth.held > 0 || depth.paced > 0 || session.query(sql::anyBlamedWait).number() != 0)) {
      auto row = session.query(sql::oldestNotWaiting);
      depth.late.reset();
      if (row.bind(now).next() && !row.isNull(sql::Oldest::oldest))
        depth.late = elapsed(now - row.integer(sql::Oldest::oldest));
    }
    return depth;
  });
}

std::vector<format::MessageId> SqliteQueue::stillIgnored(const std::vector<format::MessageId>& ids) {
  return on([&](Session& session) {
    std::vector<format::MessageId> found;
    auto row = session.query(sql::stillIgnored);
    for (row.bind(listOf(ids)); row.next();) found.push_back(row.integer(sql::StillIgnored::id));
    return found;
  });
}

}  // namespace smsd::queue::sqlite
