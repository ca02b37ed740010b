// SPDX-License-Identifier: GPL-3.0-or-later
// A queue in a file of its own, and a connection to the file beside it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/connection.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue::sqlite {

namespace fs = std::filesystem;

/// A connection as any other program has it.
class Raw {
 public:
  explicit Raw(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) throw std::runtime_error("sqlite3_open " + path);
    addFunctions(db_);  // for the plans of our statements
  }
  ~Raw() { sqlite3_close(db_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  /// The rows, one column after the other, a line each.
  std::string run(const std::string& statement) {
    std::string rows;
    const auto collect = [](void* into, int columns, char** values, char**) {
      for (int i = 0; i < columns; ++i)
        static_cast<std::string*>(into)->append(values[i] == nullptr ? "NULL" : values[i]).append("\n");
      return 0;
    };
    if (sqlite3_exec(db_, statement.c_str(), collect, &rows, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(db_) + (": " + statement));
    return rows;
  }

 private:
  sqlite3* db_ = nullptr;
};

class SqliteFile : public testing::Test {
 protected:
  fs::path folder;
  std::string path;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "smsd-sqlite-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    path = (folder / "queue.db").string();
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<Queue> enlisted() {
    auto queue = openSqlite(path);
    queue->enlist("here", longLease);
    return queue;
  }
  static ClaimResult claimUpTo(Queue& queue, std::size_t limit,
                               std::optional<Duration> expireAfter = std::nullopt) {
    ClaimRequest request;
    request.limit = limit;
    request.dispatcher = "modem";
    request.format = joined;
    request.expireAfter = expireAfter;
    return queue.claim(request);
  }
  static std::vector<Submission> claim(Queue& queue, std::optional<Duration> expireAfter = std::nullopt) {
    return claimUpTo(queue, 10, expireAfter).submissions;
  }
  static bool readable(int fd, int timeout) {
    pollfd waiting{fd, POLLIN, 0};
    return poll(&waiting, 1, timeout) == 1;
  }
  std::string content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

}  // namespace smsd::queue::sqlite
