// SPDX-License-Identifier: GPL-3.0-or-later
// Operations of NAV's queue class of the PostgreSQL backend. See queue.h.
//
// Owns the explanation of an insert that PostgreSQL refuses. Called through queue.h, by smsctl and by the
// daemon. Fails as described there.
#include <algorithm>
#include <limits>

#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-nav.h"
#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/rows.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

template <typename Column>
std::vector<StoredMessage> stored(const Rows<Column>& rows) {
  std::vector<StoredMessage> messages;
  messages.reserve(rows.size());
  for (const auto& row : rows) messages.push_back(storedMessage(row));
  return messages;
}

std::size_t characters(const std::string& text) { return text::decode(text).size(); }

void checkBytes(const NewMessage& message) {
  for (const std::string* text : {&message.recipient, &message.text})
    if (!text::isValid(*text) || text->find('\0') != std::string::npos)
      throw QueueError(Kind::invalid, "a recipient or a text is not UTF-8, or contains a NUL");
}

/// Names the column that is too narrow, because PostgreSQL's error gives its width only.
void explainWidths(Transaction& tx, const std::vector<NewMessage>& messages) {
  const auto row = tx.once(sql::widths).front();
  auto check = [](const std::string& text, const std::optional<int>& width, const std::string& what,
                  const char* advice) {
    if (!width || characters(text) <= static_cast<std::size_t>(*width)) return;
    throw QueueError(Kind::invalid, what + " of " + std::to_string(characters(text)) +
                                        " characters: NAV's table smsq holds " + std::to_string(*width) +
                                        " at most" + advice);
  };
  for (const auto& message : messages) {
    check(message.recipient, row.optionalInt(sql::Widths::phone), "a recipient", "");
    check(message.text, row.optionalInt(sql::Widths::msg), "a text",
          ": shorten it, or send it as several messages, which can become one SMS");
  }
}

}  // namespace

Cancelled PostgresqlQueue::cancelAndList(Duration minimumAge, std::size_t listed) {
  return cancelChosen({.message = 0, .recipient = {}, .minimumAge = minimumAge}, Cancel::act,
                      std::max<std::size_t>(listed, 1));
}

std::vector<format::MessageId> PostgresqlQueue::cancellable(const Choice& choice, std::size_t most) {
  return session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    std::optional<std::string> recipient;
    if (choice.recipient) recipient = storable(*choice.recipient);
    std::vector<format::MessageId> ids;
    for (const auto& row : tx.once(sql::cancellable, boundedMilliseconds(choice.minimumAge), rowLimit(most),
                                   choice.message, recipient))
      ids.push_back(row.integer(sql::Cancellable::id));
    std::ranges::sort(ids);
    return ids;
  });
}

Cancelled PostgresqlQueue::cancelThese(const std::vector<format::MessageId>& messages, std::size_t listed) {
  if (messages.empty()) return {};
  ArrayLiteral ids;
  for (const format::MessageId id : messages) ids.add(id);
  // With the plans of the road, because a step may not read the whole table.
  return session_.transact([&](Transaction& tx) {
    // The number of all is in each row, so at least one row is read.
    const auto rows = tx.once(sql::cancelThese, ids.str(), std::max<std::int64_t>(rowLimit(listed), 1));
    Cancelled cancelled;
    if (!rows.empty())
      cancelled.count = static_cast<std::size_t>(rows.front().integer(sql::Cancelled::count));
    cancelled.messages = stored(rows);
    if (cancelled.messages.size() > listed) cancelled.messages.resize(listed);
    for (auto& message : cancelled.messages) message.status = SentStatus::ignored;
    tx.once(sql::forgetEmptyWaits, ids.str());
    return cancelled;
  });
}

Cancelled PostgresqlQueue::cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed) {
  if (cancel == Cancel::act)
    return cancelThese(cancellable(choice, std::numeric_limits<std::size_t>::max()), listed);
  return session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    std::optional<std::string> recipient;
    if (choice.recipient) recipient = storable(*choice.recipient);
    // The number of all is in each row, so at least one row is read.
    const auto rows = tx.once(sql::previewCancel, boundedMilliseconds(choice.minimumAge),
                              std::max<std::int64_t>(rowLimit(listed), 1), choice.message, recipient);
    Cancelled cancelled;
    if (!rows.empty())
      cancelled.count = static_cast<std::size_t>(rows.front().integer(sql::Cancelled::count));
    cancelled.messages = stored(rows);
    if (cancelled.messages.size() > listed) cancelled.messages.resize(listed);
    return cancelled;
  });
}

std::vector<StoredMessage> PostgresqlQueue::messages(SentStatus status, std::size_t limit) {
  auto found = session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    return stored(tx.once(sql::storedMessages, letter(status), rowLimit(limit)));
  });
  for (auto& message : found) message.status = status;
  return found;
}

std::vector<StoredMessage> PostgresqlQueue::messagesOf(const std::string& recipient, SentStatus status) {
  auto found = session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    return stored(tx.once(sql::messagesOf, letter(status), storable(recipient)));
  });
  for (auto& message : found) message.status = status;
  return found;
}

std::vector<StoredMessage> PostgresqlQueue::firstMessagesOf(const std::string& recipient, SentStatus status,
                                                            std::size_t limit) {
  auto found = session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    return stored(tx.once(sql::firstMessagesOf, letter(status), storable(recipient), rowLimit(limit)));
  });
  for (auto& message : found) message.status = status;
  return found;
}

std::vector<std::string> PostgresqlQueue::recipients(SentStatus status) {
  return session_.transact([&](Transaction& tx) {
    tx.once(sql::planThisFreely);
    std::vector<std::string> names;
    for (const auto& row : tx.once(sql::recipients, letter(status)))
      names.push_back(row.text(sql::Recipients::phone));
    return names;
  });
}

std::vector<format::MessageId> PostgresqlQueue::insert(const std::vector<NewMessage>& messages) {
  if (messages.empty()) return {};
  ArrayLiteral accounts, phones, texts, severities;
  for (const auto& message : messages) {
    checkBytes(message);
    accounts.add(message.account);
    phones.add(message.recipient);
    texts.add(message.text);
    severities.add(message.severity);
  }
  try {
    return session_.transact([&](Transaction& tx) {
      std::vector<format::MessageId> ids;
      for (const auto& row :
           tx.once(sql::insert, accounts.str(), phones.str(), texts.str(), severities.str()))
        ids.push_back(row.integer(sql::Inserted::id));
      return ids;
    });
  } catch (const SqlError& error) {
    if (error.state() == "22001") session_.transact([&](Transaction& tx) { explainWidths(tx, messages); });
    throw;
  }
}

std::size_t PostgresqlQueue::setStatus(format::MessageId id, SentStatus status, int smsid) {
  return session_.transact(
      [&](Transaction& tx) -> std::size_t { return tx.once(sql::setStatus, id, letter(status), smsid); });
}

Depth PostgresqlQueue::depth(std::uint64_t bound) {
  return session_.transact([&](Transaction& tx) {
    Depth depth;
    const auto most = static_cast<std::uint64_t>(rowLimit(bound));
    std::uint64_t found = 0;
    for (const auto& row : tx.once(sql::countUnsent, most + 1)) {
      SeverityDepth one;
      if (const auto severity = row.optionalInteger(sql::CountUnsent::severity))
        one.severity = static_cast<int>(*severity);
      one.unsent = static_cast<std::uint64_t>(row.integer(sql::CountUnsent::unsent));
      one.oldest = elapsed(row.optionalInteger(sql::CountUnsent::age));
      found += one.unsent;
      depth.severities.push_back(one);
    }
    depth.more = found > most;
    depth.unsent = std::min(found, most);
    const auto rows = tx.once(session_.indexed() ? sql::oldestByIndex : sql::oldestInOneScan);
    depth.oldest = elapsed(rows.front().optionalInteger(sql::OldestOfAll::age));
    if (const auto severity = rows.front().optionalInteger(sql::OldestOfAll::severity))
      depth.oldestSeverity = static_cast<int>(*severity);
    depth.held = std::min(static_cast<std::uint64_t>(tx.numberOnce(sql::countHeld, most + 1)), most);
    if (depth.held > 0)
      if (const auto age = tx.once(sql::oldestHeld).front().optionalInteger(sql::OldestHeld::age))
        depth.oldestHeld = elapsed(*age);
    const bool pacing = installedSchema(tx).version > schema::withoutPacing && tx.flagOnce(sql::anyPaced);
    if (pacing)
      depth.paced = std::min(static_cast<std::uint64_t>(tx.numberOnce(sql::countPaced, most)), most);
    bool someWait = depth.held > 0 || depth.paced > 0 || tx.flagOnce(sql::anyBlamedWait);
    depth.late = depth.oldest;
    if (someWait && depth.oldest)
      depth.late = elapsed(tx.once(pacing ? sql::oldestNotPaced : sql::oldestNotWaiting)
                               .front()
                               .optionalInteger(sql::Oldest::age));
    return depth;
  });
}

std::vector<format::MessageId> PostgresqlQueue::stillIgnored(const std::vector<format::MessageId>& ids) {
  return session_.transact([&](Transaction& tx) {
    std::vector<format::MessageId> found;
    for (const auto& row : tx.once(sql::stillIgnored, arrayOf(ids)))
      found.push_back(row.integer(sql::StillIgnored::id));
    return found;
  });
}

}  // namespace smsd::queue::postgresql
