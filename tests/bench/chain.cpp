// SPDX-License-Identifier: GPL-3.0-or-later
// The database half of the limits: a keyset read in the order of the partial index on phone, a journal row a
// recipient, and UPDATE ... FROM unnest.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_set>

#include "tests/bench/limits.h"

namespace smsd::bench {
namespace {

using namespace std::chrono_literals;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

class Database {
 public:
  explicit Database(const std::string& dsn) : connection_(PQconnectdb(dsn.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_));
    // A plan made on an empty table is quadratic on a full one.
    run("SET client_min_messages = warning; SET enable_seqscan = off; SET enable_hashjoin = off; "
        "SET enable_mergejoin = off; SET enable_sort = off; SET plan_cache_mode = force_custom_plan");
  }
  ~Database() { PQfinish(connection_); }

  Result run(const char* sql) { return good(PQexec(connection_, sql)); }
  void prepare(const char* name, const char* sql) { good(PQprepare(connection_, name, sql, 0, nullptr)); }
  Result run(const char* name, std::initializer_list<std::string> values) {
    std::vector<const char*> parameters;
    for (auto& value : values) parameters.push_back(value.c_str());
    return good(PQexecPrepared(connection_, name, static_cast<int>(parameters.size()), parameters.data(),
                               nullptr, nullptr, 0));
  }

 private:
  Result good(PGresult* result) {
    auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error(PQerrorMessage(connection_));
    return {result, &PQclear};
  }

  PGconn* connection_;
};

struct Item {
  Gets::Request request;
  std::string attempt;
  std::vector<std::string> messages;
};
using Batch = std::vector<Item>;

std::string array(const std::vector<std::string>& values) {
  std::string text = "{";
  for (auto& value : values) text += (text.size() > 1 ? "," : "") + value;
  return text + "}";
}

class Claims {
 public:
  Claims(const std::string& dsn, unsigned batch) : database_(dsn), batch_(batch) {
    database_.run(
        "CREATE INDEX IF NOT EXISTS bench_unsent ON smsq (phone, severity, time, id) WHERE sent = 'N'");
    database_.run(
        "CREATE TABLE IF NOT EXISTS bench_attempt (id bigserial PRIMARY KEY, phone text NOT NULL, messages "
        "text NOT NULL, "
        "ended timestamptz)");
    database_.prepare("read",
                      "SELECT phone, id, msg FROM smsq WHERE sent = 'N' AND phone > $1 "
                      "ORDER BY phone, severity, time, id LIMIT $2::int");
    database_.prepare("journal",
                      "INSERT INTO bench_attempt (phone, messages) SELECT p, m FROM "
                      "unnest($1::text[], $2::text[]) WITH ORDINALITY u(p, m, n) ORDER BY n RETURNING id");
    database_.prepare("mark",
                      "WITH ended AS (UPDATE bench_attempt SET ended = now() WHERE id = ANY($1::bigint[])) "
                      "UPDATE smsq SET sent = 'Y', smsid = 0, timesent = now() FROM unnest($2::int[]) u(m) "
                      "WHERE id = m AND sent::text = 'N'");  // not provably a partial index's predicate
  }

  Batch claim() {
    Batch batch;
    const std::size_t most = std::size_t{batch_} * 4;
    auto rows = database_.run("read", {last_, std::to_string(most)});
    const int count = PQntuples(rows.get());
    bool cut = static_cast<std::size_t>(count) == most;  // the last recipient's messages may go on
    for (int i = 0; i < count; ++i) {
      std::string phone = PQgetvalue(rows.get(), i, 0);
      if (inFlight_.contains(phone)) continue;
      if (batch.empty() || batch.back().request.recipient != phone) {
        if (batch.size() == batch_) {
          cut = true;
          break;
        }
        batch.push_back({{phone, {}, false}, {}, {}});
      }
      Item& item = batch.back();
      item.request.text +=
          (item.request.text.empty() ? "" : "; ") + std::string(PQgetvalue(rows.get(), i, 2));
      item.messages.push_back(PQgetvalue(rows.get(), i, 1));
    }
    if (static_cast<std::size_t>(count) == most && batch.size() > 1 && batch.size() < batch_)
      batch.pop_back();
    last_ = cut && !batch.empty() ? batch.back().request.recipient : "";
    journal(batch);
    return batch;
  }

  void mark(const Batch& batch) {
    std::vector<std::string> attempts, messages;
    for (auto& item : batch) {
      attempts.push_back(item.attempt);
      if (item.request.accepted) messages.insert(messages.end(), item.messages.begin(), item.messages.end());
    }
    database_.run("mark", {array(attempts), array(messages)});
    for (auto& item : batch) inFlight_.erase(item.request.recipient);
  }

 private:
  void journal(Batch& batch) {
    if (batch.empty()) return;
    std::vector<std::string> phones, messages;
    for (auto& item : batch) {
      phones.push_back(item.request.recipient);
      std::string ids;
      for (auto& id : item.messages) ids += (ids.empty() ? "" : " ") + id;
      messages.push_back("\"" + ids + "\"");
      inFlight_.insert(item.request.recipient);
    }
    auto ids = database_.run("journal", {array(phones), array(messages)});
    for (std::size_t i = 0; i < batch.size(); ++i)
      batch[i].attempt = PQgetvalue(ids.get(), static_cast<int>(i), 0);
  }

  Database database_;
  unsigned batch_;
  std::string last_;
  std::unordered_set<std::string> inFlight_;
};

}  // namespace

void chain(const std::string& dsn, const std::string& url, unsigned batchSize, unsigned inFlight) {
  Claims claims(dsn, batchSize);
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> claimed, sent;
  std::thread sender([&] {
    Gets gets(url, inFlight);
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !claimed.empty(); });
      Batch batch = std::move(claimed.front());
      claimed.pop_front();
      lock.unlock();
      changed.notify_all();
      std::vector<Gets::Request*> requests;
      for (auto& item : batch) requests.push_back(&item.request);
      gets.send(std::move(requests));
      lock.lock();
      sent.push_back(std::move(batch));
      changed.notify_all();
    }
  });
  for (;;) {
    std::deque<Batch> done;
    bool wanted = false;
    {
      std::lock_guard lock(mutex);
      done.swap(sent);
      wanted = claimed.size() < 2;
    }
    for (auto& batch : done) claims.mark(batch);
    if (wanted) {
      Batch batch = claims.claim();
      if (!batch.empty()) {
        std::lock_guard lock(mutex);
        claimed.push_back(std::move(batch));
        changed.notify_all();
        continue;
      }
    }
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 5ms, [&] { return !sent.empty(); });
  }
}

void mark(const std::string& dsn, unsigned count, unsigned batch) {
  Database database(dsn);
  database.prepare(
      "mark",
      "UPDATE smsq SET sent = 'Y', smsid = u.r, timesent = now() FROM unnest($1::int[], $2::int[]) u(m, r) "
      "WHERE id = m AND sent = 'N'");
  auto rows =
      database.run(fmt::format("SELECT id FROM smsq WHERE sent = 'N' ORDER BY id LIMIT {}", count).c_str());
  const auto found = static_cast<std::size_t>(PQntuples(rows.get()));
  auto began = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < found; at += batch) {
    std::vector<std::string> ids, references;
    for (std::size_t i = at; i < std::min<std::size_t>(found, at + batch); ++i) {
      ids.push_back(PQgetvalue(rows.get(), static_cast<int>(i), 0));
      references.push_back("0");
    }
    database.run("mark", {array(ids), array(references)});
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("{:.0f}\n", static_cast<double>(found) / took.count());
}

}  // namespace smsd::bench
