// SPDX-License-Identifier: GPL-3.0-or-later
// A queue in a file of its own, in a folder that goes with it. See store.h.
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "supervisor/queue/built-in.h"
#include "tests/queue/suite/store.h"

namespace smsd::queue {

namespace {

class SqliteStore : public Store {
 public:
  SqliteStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "smsd-queue-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    installSqlite(path());
    if (sqlite3_open(path().c_str(), &db_) != SQLITE_OK) throw std::runtime_error("sqlite3_open " + path());
    sqlite3_busy_timeout(db_, 10'000);
    sql("INSERT INTO account (id, login, name) VALUES (1, 'one', 'Noname'), (2, 'kari', 'Kari')");
  }

  ~SqliteStore() override {
    sqlite3_close(db_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::unique_ptr<Queue> open() override { return openSqlite(path()); }

  std::vector<std::vector<std::string>> sql(const std::string& statement) override {
    std::vector<std::vector<std::string>> rows;
    char* error = nullptr;
    auto collect = [](void* into, int columns, char** values, char**) {
      auto& row = static_cast<std::vector<std::vector<std::string>>*>(into)->emplace_back();
      for (int i = 0; i < columns; ++i) row.emplace_back(values[i] == nullptr ? "NULL" : values[i]);
      return 0;
    };
    if (sqlite3_exec(db_, statement.c_str(), collect, &rows, &error) != SQLITE_OK) {
      std::string what = error == nullptr ? "unknown" : error;
      sqlite3_free(error);
      throw std::runtime_error(what + ": " + statement);
    }
    return rows;
  }

  std::string timeAgo(std::chrono::seconds age) const override {
    return "strftime('%Y-%m-%d %H:%M:%f', 'now', '" + std::to_string(-age.count()) + " seconds')";
  }

  std::string own(const std::string& table) const override { return "smsd_" + table; }
  void startIdsOver() override { sql("DELETE FROM smsq; DELETE FROM sqlite_sequence WHERE name = 'smsq'"); }
  void startOwnIdsOver() override {
    sql("DELETE FROM smsd_submission; DELETE FROM sqlite_sequence WHERE name = 'smsd_submission'");
  }
  void step(std::chrono::seconds ahead) override {
    const std::string by = " - " + std::to_string(1000 * ahead.count());
    sql("UPDATE smsd_wait SET due = due" + by + ", since = since" + by + ", noted = noted" + by +
        "; UPDATE smsd_submission SET since = since" + by +
        ", ended = strftime('%Y-%m-%d %H:%M:%f', ended, '" + std::to_string(-ahead.count()) + " seconds')" +
        "; UPDATE smsd_supervisor SET lease_until = lease_until" + by +
        "; UPDATE smsd_heartbeat SET looked = looked" + by + ", last = last" + by + ", missing = missing" +
        by + "; UPDATE smsd_alert SET submitted = submitted" + by + ", due = due" + by +
        ", expires = expires" + by + "; UPDATE smsd_alert_key SET at = at" + by +
        "; UPDATE smsd_pace SET due = due" + by + ", hour = hour" + by + ", noted = noted" + by);
  }
  bool shared() const override { return false; }
  bool complete() const override { return true; }
  std::size_t longestText() const override { return 16'384; }

 private:
  std::string path() const { return (folder_ / "queue.db").string(); }

  std::filesystem::path folder_;
  sqlite3* db_ = nullptr;
};

const StoreRegistration registered("sqlite", []() -> std::unique_ptr<Store> {
  return std::make_unique<SqliteStore>();
});

}  // namespace

}  // namespace smsd::queue
