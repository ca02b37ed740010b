// SPDX-License-Identifier: GPL-3.0-or-later
// Operations of NAV's queue class of the PostgreSQL backend. See queue.h.
//
// Owns the explanation of an insert that PostgreSQL refuses. Called through queue.h, by smsctl and by the
// daemon. Fails as described there.
#include <algorithm>

#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-nav.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/stored-names.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

std::vector<StoredMessage> stored(const pqxx::result& rows) {
  std::vector<StoredMessage> messages;
  messages.reserve(rows.size());
  for (const auto& row : rows) messages.push_back(storedMessage(row));
  return messages;
}

std::size_t characters(const std::string& text) { return text::decode(text).size(); }

void checkBytes(const NewMessage& message) {
  for (const std::string* text : {&message.recipient, &message.text})
    if (!text::isValid(*text) || text->find('\0') != std::string::npos)
      throw QueueError(Kind::invalid, "a recipient or a text is not UTF-8, or has a NUL in it");
}

/// Names the column that is too narrow, because PostgreSQL's error gives its width only.
void explainWidths(pqxx::work& tx, const std::vector<NewMessage>& messages) {
  const auto row = tx.exec1(sql::widths);
  auto check = [](const std::string& text, const pqxx::field& width, const std::string& what,
                  const char* advice) {
    if (width.is_null() || characters(text) <= width.as<std::size_t>()) return;
    throw QueueError(Kind::invalid, what + " of " + std::to_string(characters(text)) +
                                        " characters: NAV's table smsq takes " + std::string(width.c_str()) +
                                        " at most" + advice);
  };
  for (const auto& message : messages) {
    check(message.recipient, row[0], "a recipient", "");
    check(message.text, row[1], "a text",
          ": shorten it, or send it as several messages, which can become one SMS");
  }
}

}  // namespace

Cancelled PostgresqlQueue::cancelAndList(Duration minimumAge, std::size_t listed) {
  return session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    const auto rows = tx.exec_params(sql::cancel, boundedMilliseconds(minimumAge),
                                     std::max<std::int64_t>(rowLimit(listed), 1));
    Cancelled cancelled{rows.empty() ? 0 : rows[0][8].as<std::size_t>(), stored(rows)};
    for (auto& message : cancelled.messages) message.status = SentStatus::ignored;
    tx.exec(sql::forgetEmptyWaits);
    return cancelled;
  });
}

std::vector<StoredMessage> PostgresqlQueue::messages(SentStatus status, std::size_t limit) {
  auto found = session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    return stored(tx.exec_params(sql::messages, letter(status), rowLimit(limit)));
  });
  for (auto& message : found) message.status = status;
  return found;
}

std::vector<StoredMessage> PostgresqlQueue::messagesOf(const std::string& recipient, SentStatus status) {
  auto found = session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    return stored(tx.exec_params(sql::messagesOf, letter(status), storable(recipient)));
  });
  for (auto& message : found) message.status = status;
  return found;
}

std::vector<std::string> PostgresqlQueue::recipients(SentStatus status) {
  return session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    std::vector<std::string> names;
    for (const auto& row : tx.exec_params(sql::recipients, letter(status))) names.push_back(bytesOf(row[0]));
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
    return session_.transact([&](pqxx::work& tx) {
      std::vector<format::MessageId> ids;
      for (const auto& row :
           tx.exec_params(sql::insert, accounts.str(), phones.str(), texts.str(), severities.str()))
        ids.push_back(row[0].as<format::MessageId>());
      return ids;
    });
  } catch (const SqlError& error) {
    if (error.state() == "22001") session_.transact([&](pqxx::work& tx) { explainWidths(tx, messages); });
    throw;
  }
}

std::size_t PostgresqlQueue::setStatus(format::MessageId id, SentStatus status, int smsid) {
  return session_.transact([&](pqxx::work& tx) -> std::size_t {
    return tx.exec_params(sql::setStatus, id, letter(status), smsid).affected_rows();
  });
}

Depth PostgresqlQueue::depth(std::uint64_t bound) {
  return session_.transact([&](pqxx::work& tx) {
    Depth depth;
    const auto most = static_cast<std::uint64_t>(rowLimit(bound));
    const auto found = tx.exec_params1(sql::countUnsent, most + 1)[0].as<std::uint64_t>();
    depth.more = found > most;
    depth.unsent = std::min(found, most);
    auto age = tx.exec1(session_.indexed() ? sql::oldestByIndex : sql::oldestInOneScan)[0];
    depth.oldest = elapsed(age);
    depth.held = std::min(tx.exec_params1(sql::countHeld, most + 1)[0].as<std::uint64_t>(), most);
    bool someWait = depth.held > 0 || tx.exec1(sql::anyBlamedWait)[0].as<bool>();
    depth.late = someWait && depth.oldest ? elapsed(tx.exec1(sql::oldestNotWaiting)[0]) : depth.oldest;
    return depth;
  });
}

}  // namespace smsd::queue::postgresql
