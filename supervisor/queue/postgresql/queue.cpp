// SPDX-License-Identifier: GPL-3.0-or-later
// The PostgreSQL backend: life cycle of a supervisor, and operations of NAV's queue class. See
// queue.h.
#include <unistd.h>

#include <algorithm>

#include "supervisor/queue/idempotency-key.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql.h"
#include "supervisor/queue/postgresql/values.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

constexpr int schemaVersion = 4;

std::string letter(SentStatus status) { return std::string(1, static_cast<char>(status)); }

std::string hostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

/// Fails at the start instead of at the first alert. Returns the prefix of the idempotency keys.
std::string checkInstalled(pqxx::work& tx) {
  auto rows = tx.exec(sql::installed);
  if (rows.size() != 1)
    throw QueueError(Kind::notInstalled, "smsd.installation is empty: run `smsctl db install`");
  if (int version = rows[0][0].as<int>(); version != schemaVersion)
    throw QueueError(Kind::notInstalled, "the schema smsd is of version " + std::to_string(version) +
                                             ", this program wants " + std::to_string(schemaVersion) +
                                             (version < schemaVersion ? ": run `smsctl db install`"
                                                                      : ": install the newer smsd"));
  if (auto missing = tx.exec1(sql::missingPrivileges)[0]; !missing.is_null())
    throw QueueError(Kind::denied, "no privilege for " + bytesOf(missing) +
                                       ": run the GRANTs that `smsctl db install` prints");
  return bytesOf(rows[0][1]);
}

QueueError fencedOff(SupervisorId me) {
  return {Kind::fenced,
          "supervisor " + std::to_string(me) + " was declared dead: its submissions belong to another one"};
}

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

void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock) {
  if (const auto rows = tx.run(sql::fence, me); !rows.empty())
    return clock.see(Duration(rows[0][1].as<std::int64_t>()), sinceBoot());
  throw fencedOff(me);
}

// --- life cycle of a supervisor

SupervisorId PostgresqlQueue::enlist(const std::string& name, Duration lease) {
  std::string prefix;
  auto me = session_.transact([&](pqxx::work& tx) {
    prefix = checkInstalled(tx);
    tx.exec(sql::forgetOldWaits);
    tx.exec_params(sql::endEarlierRuns, storable(name));
    return tx
        .exec_params1(sql::enlist, storable(name), storable(hostName()), static_cast<int>(getpid()),
                      boundedMilliseconds(lease))[0]
        .as<SupervisorId>();
  });
  me_ = me;
  keyPrefix_ = prefix;
  onward_ = Place{};
  live_.clear();
  claimInDoubt_ = takeOverInDoubt_ = false;
  return me_;
}

void PostgresqlQueue::renew() {
  session_.transact([&](Transaction& tx) {
    if (tx.run(sql::renew, me_).affected_rows() == 0) passFence(tx, me_, clock_);
  });
}

std::vector<Submission> PostgresqlQueue::takeOver() {
  const bool recover = takeOverInDoubt_;
  takeOverInDoubt_ = true;
  auto adopted = session_.transact([&](Transaction& tx) {
    std::vector<Submission> submissions;
    if (recover) submissions = unaccounted(tx);
    if (!gone(tx.run(sql::leases)).empty()) {
      auto more = adopt(tx);
      std::move(more.begin(), more.end(), std::back_inserter(submissions));
    }
    return submissions;
  });
  if (recover) claimInDoubt_ = false;  // unaccounted() has returned those of the claim as well
  takeOverInDoubt_ = false;
  remember(adopted);
  return adopted;
}

/// Returns the supervisors of `rows` that are dead, or whose lease has run out.
std::vector<SupervisorId> PostgresqlQueue::gone(const pqxx::result& rows) {
  std::vector<SupervisorId> gone;
  std::vector<Leases::Lease> leases;
  bool alive = false;
  for (const auto& row : rows) {
    const auto id = row[0].as<SupervisorId>();
    clock_.see(Duration(row[5].as<std::int64_t>()), sinceBoot());
    if (id == me_)
      alive = !row[1].as<bool>();
    else if (row[1].as<bool>())
      gone.push_back(id);
    else
      leases.push_back({id, row[2].as<std::int64_t>(), Duration(row[3].as<std::int64_t>()),
                        Duration(row[4].as<std::int64_t>())});
  }
  if (!alive) throw fencedOff(me_);
  for (SupervisorId id : leases_.ranOut(leases, Leases::Clock::now())) gone.push_back(id);
  return gone;
}

std::vector<Submission> PostgresqlQueue::adopt(Transaction& tx) {
  // Checked again with all rows locked, because a supervisor may have renewed its lease meanwhile.
  const auto rows = tx->exec(sql::lockedLeases);
  ArrayLiteral cleared;
  for (const auto& row : tx->exec_params(sql::clear, arrayOf(gone(rows))))
    cleared.add(row[0].as<SupervisorId>());
  return read(tx->exec_params(sql::adopt, me_, cleared.str()));
}

void PostgresqlQueue::retire() {
  session_.transact([&](pqxx::work& tx) { tx.exec_params(sql::retire, me_); });
}

/// Returns the submissions that are ours in the database, but not in memory.
std::vector<Submission> PostgresqlQueue::unaccounted(Transaction& tx) {
  auto submissions = read(tx->exec_params(sql::liveOf, me_));
  std::erase_if(submissions, [&](const Submission& submission) {
    auto live = live_.find(submission.recipient);
    return live != live_.end() && live->second.submission == submission.id;
  });
  return submissions;
}

std::vector<Submission> PostgresqlQueue::read(const pqxx::result& rows) const {
  std::vector<Submission> submissions;
  for (const auto& row : rows) {
    Submission& submission = submissions.emplace_back();
    submission.id = row[0].as<SubmissionId>();
    submission.attempt = row[1].as<AttemptId>();
    submission.dispatcher = bytesOf(row[2]);
    submission.recipient = bytesOf(row[3]);
    submission.sms.text = bytesOf(row[4]);
    submission.sms.encoding = bytesOf(row[5]) == "ucs2" ? format::Encoding::ucs2 : format::Encoding::gsm7;
    submission.sms.units = row[6].is_null() ? 0 : row[6].as<std::size_t>();
    submission.sms.parts = row[7].is_null() ? 1 : row[7].as<std::size_t>();
    submission.sms.sent = idsOf(bytesOf(row[8]));
    submission.sms.ignored = idsOf(bytesOf(row[9]));
    submission.severity = numberOf(row[10]);
    submission.first = row[11].is_null() ? 0 : row[11].as<format::MessageId>();
    submission.rounds = row[12].as<int>();
    submission.failing = elapsed(row[13]);
    if (!row[14].is_null()) submission.stamps = idsOf(bytesOf(row[14]));
    submission.key = idempotencyKey(keyPrefix_, submission.id, submission.stamps);
    submission.notUnderstood = row[15].as<int>();
  }
  return submissions;
}

void PostgresqlQueue::remember(const std::vector<Submission>& submissions) {
  for (const auto& submission : submissions) {
    Live live{.submission = submission.id, .own = submission.sms.sent, .severity = submission.severity};
    live.own.insert(live.own.end(), submission.sms.ignored.begin(), submission.sms.ignored.end());
    std::sort(live.own.begin(), live.own.end());
    live_[submission.recipient] = std::move(live);
  }
}

std::optional<Ring> PostgresqlQueue::ringBell() {
  Ring ring;
  if (!session_.ring())
    ring.unannounced = "no trigger on smsq notifies smsd of new rows: `smsctl db install --notify` makes one";
  ring.ifUnheard =
      "a NOTIFY of its own did not reach smsd: connect to PostgreSQL itself, or let the pooler in between "
      "keep "
      "sessions (PgBouncer: pool_mode = session)";
  return ring;
}

// --- operations of NAV's queue class

Cancelled PostgresqlQueue::cancelAndList(Duration minimumAge, std::size_t listed) {
  return session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    const auto rows = tx.exec_params(sql::cancel, boundedMilliseconds(minimumAge),
                                     std::clamp<std::size_t>(listed, 1, INT64_MAX));
    Cancelled cancelled{rows.empty() ? 0 : rows[0][8].as<std::size_t>(), stored(rows)};
    for (auto& message : cancelled.messages) message.status = SentStatus::ignored;
    tx.exec(sql::forgetEmptyWaits);
    return cancelled;
  });
}

std::vector<StoredMessage> PostgresqlQueue::messages(SentStatus status, std::size_t limit) {
  auto found = session_.transact([&](pqxx::work& tx) {
    tx.exec(sql::planThisFreely);
    return stored(tx.exec_params(sql::messages, letter(status), limit));
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
    const std::uint64_t most = std::min<std::uint64_t>(bound, INT64_MAX - 1);
    const auto found = tx.exec_params1(sql::countUnsent, most + 1)[0].as<std::uint64_t>();
    depth.more = found > most;
    depth.unsent = std::min(found, most);
    auto age = tx.exec1(session_.indexed() ? sql::oldestByIndex : sql::oldestInOneScan)[0];
    auto ageIn = [](const pqxx::field& field) -> std::optional<Duration> {
      if (field.is_null()) return std::nullopt;
      return std::max(Duration(field.as<std::int64_t>()), Duration::zero());
    };
    depth.oldest = ageIn(age);
    depth.held = std::min(tx.exec_params1(sql::countHeld, most + 1)[0].as<std::uint64_t>(), most);
    bool someWait = depth.held > 0 || tx.exec1(sql::anyBlamedWait)[0].as<bool>();
    depth.late = someWait && depth.oldest ? ageIn(tx.exec1(sql::oldestNotWaiting)[0]) : depth.oldest;
    return depth;
  });
}

}  // namespace smsd::queue::postgresql

namespace smsd::queue {

std::unique_ptr<Queue> openPostgresql(const std::string& connection) {
  return std::make_unique<postgresql::PostgresqlQueue>(connection);
}

}  // namespace smsd::queue
