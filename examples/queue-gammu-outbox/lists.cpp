// SPDX-License-Identifier: GPL-3.0-or-later
// What smsctl and the one-shot options list, count, insert, cancel and mark. See outbox-queue.h.
#include <algorithm>

#include <smsd/queue/rows.h>
#include <smsd/text/utf.h>
#include "outbox-queue.h"
#include "sql-lists.h"

namespace gammu_outbox {
namespace {

using Kind = QueueError::Kind;

constexpr std::size_t longestRecipient = 20;  // outbox."DestinationNumber"
constexpr std::size_t longestText = 16'384;   // an SMS of all parts is shorter

template <typename Column>
std::vector<StoredMessage> stored(const Rows<Column>& rows, SentStatus status) {
  std::vector<StoredMessage> messages;
  for (const auto& row : rows) {
    messages.push_back(storedMessage(row));
    messages.back().status = status;
  }
  return messages;
}

void check(const std::string& text, std::size_t most, const std::string& what) {
  if (!smsd::text::isValid(text) || text.find('\0') != std::string::npos)
    throw QueueError(Kind::invalid, what + " is not UTF-8, or contains a NUL");
  if (const std::size_t length = smsd::text::decode(text).size(); length > most)
    throw QueueError(Kind::invalid, what + " of " + std::to_string(length) +
                                        " characters, expected at most " + std::to_string(most));
}

std::uint64_t bounded(std::int64_t found, std::uint64_t most) {
  return std::min(static_cast<std::uint64_t>(found), most);
}

}  // namespace

Cancelled OutboxQueue::cancelAndList(Duration minimumAge, std::size_t listed) {
  return session_.transact([&](Transaction& tx) {
    const auto rows =
        tx.run(sql::cancel, boundedMilliseconds(minimumAge), std::max<std::int64_t>(rowLimit(listed), 1));
    Cancelled cancelled;
    if (!rows.empty())
      cancelled.count = static_cast<std::size_t>(rows.front().integer(sql::Cancelled::count));
    cancelled.messages = stored(rows, SentStatus::ignored);
    tx.run(sql::forgetEmptyWaits);
    return cancelled;
  });
}

std::vector<StoredMessage> OutboxQueue::messages(SentStatus status, std::size_t limit) {
  return session_.transact([&](Transaction& tx) {
    return stored(tx.run(sql::storedMessages, letter(status), rowLimit(limit)), status);
  });
}

std::vector<StoredMessage> OutboxQueue::messagesOf(const std::string& recipient, SentStatus status) {
  return session_.transact([&](Transaction& tx) {
    return stored(tx.run(sql::messagesOf, letter(status), storable(recipient)), status);
  });
}

std::vector<std::string> OutboxQueue::recipients(SentStatus status) {
  return session_.transact([&](Transaction& tx) {
    std::vector<std::string> names;
    for (const auto& row : tx.run(sql::recipients, letter(status)))
      names.push_back(row.text(sql::Recipients::phone));
    return names;
  });
}

std::vector<MessageId> OutboxQueue::insert(const std::vector<NewMessage>& messages) {
  for (const auto& message : messages) {
    check(message.recipient, longestRecipient, "a recipient");
    check(message.text, longestText, "a text");
  }
  if (messages.empty()) return {};
  return session_.transact([&](Transaction& tx) {
    std::vector<MessageId> ids;
    for (const auto& message : messages) {
      ids.push_back(tx.run(sql::insert, message.recipient, message.text, message.account)
                        .front()
                        .integer(sql::Inserted::id));
      tx.run(sql::describe, ids.back(), message.account, message.severity);
    }
    return ids;
  });
}

std::size_t OutboxQueue::setStatus(MessageId id, SentStatus status, int smsid) {
  return session_.transact(
      [&](Transaction& tx) -> std::size_t { return tx.run(sql::setStatus, id, letter(status), smsid); });
}

Depth OutboxQueue::depth(std::uint64_t bound) {
  return session_.transact([&](Transaction& tx) {
    Depth depth;
    const auto most = static_cast<std::uint64_t>(rowLimit(bound));
    const auto found = tx.number(sql::countUnsent, most + 1);
    depth.more = static_cast<std::uint64_t>(found) > most;
    depth.unsent = bounded(found, most);
    const auto rows = tx.run(sql::oldest);
    depth.oldest = elapsed(rows.front().optionalInteger(sql::OldestOfAll::age));
    if (const auto severity = rows.front().optionalInteger(sql::OldestOfAll::severity))
      depth.oldestSeverity = static_cast<int>(*severity);
    depth.held = bounded(tx.number(sql::countHeld, most + 1), most);
    depth.late = elapsed(tx.run(sql::oldestNotWaiting).front().optionalInteger(sql::Oldest::age));
    return depth;
  });
}

}  // namespace gammu_outbox
