// A thin hand on sqlite3: a connection with its prepared statements, and transactions that end.
//
// Owns the descriptors of one open file and the translation of sqlite3's errors into QueueError. Called by
// sqlite*.cpp only, from one thread. Knows no table. Fails by QueueError, whose text is one line, names the
// file and says what to do.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// There is no room on the file system, or none left of a quota. The caller may make some and try again.
class DiskFull : public QueueError {
 public:
  explicit DiskFull(const std::string& what) : QueueError(Kind::unreachable, what) {}
};

/// A prepared statement in use: reset when it goes, so that it holds no snapshot open.
class Query {
 public:
  Query(sqlite3_stmt* statement, const std::string& path) : statement_(statement), path_(path) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  template <typename... T>
  Query& bind(const T&... values) {
    (bindOne(values), ...);
    return *this;
  }
  /// False: no further row.
  bool next();
  /// Runs to its end; the number of rows changed.
  std::size_t run();
  /// For statements that give exactly one number.
  std::int64_t number();

  bool isNull(int column) const;
  std::int64_t integer(int column) const;
  std::optional<int> optionalInt(int column) const;  // cut to an int's range
  std::optional<std::int64_t> optionalInteger(int column) const;
  std::string text(int column) const;  // NULL is empty

 private:
  void bindOne(std::int64_t value);
  void bindOne(std::string_view value);
  template <typename Number>
  void bindOne(const std::optional<Number>& value) {
    if (value)
      bindOne(std::int64_t{*value});
    else
      bindOne(nullptr);
  }
  void bindOne(std::nullptr_t);
  void bindOne(int value) { bindOne(std::int64_t{value}); }
  void bindOne(const char* value) { bindOne(std::string_view(value)); }
  void bindOne(const std::string& value) { bindOne(std::string_view(value)); }
  void check(int result);

  sqlite3_stmt* statement_;
  const std::string& path_;
  int bound_ = 0;
};

class Database {
 public:
  enum class IfMissing { make, refuse };
  /// Opens the file; what is in it is for the caller to judge.
  explicit Database(const std::string& path, IfMissing missing = IfMissing::make);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  /// Prepared at the first use, kept after that. One use of one text at a time.
  Query query(std::string_view sql);
  /// Any number of statements without a result.
  void execute(const char* sql);
  /// Writes the whole log into the file and empties it. Returns whether that was possible: there was room,
  /// and whoever read or wrote ended within `patience`.
  bool checkpoint(std::chrono::milliseconds patience);
  /// When it is closed, its write-ahead log is neither written into the file nor removed.
  void leaveLogAlone();

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

/// The functions that our statements use beside sqlite3's own: smsd_stamp (sqlite-stamp.h).
void addFunctions(sqlite3* db);

class Transaction {
 public:
  enum class Kind {
    write,  // takes the write lock at once: nothing read in it is outdated when it is written
    read,   // one moment for all that is read, in nobody's way
  };
  explicit Transaction(Database& db, Kind kind = Kind::write) : db_(db) {
    db_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  enum class State { open, done };
  Database& db_;
  State state_ = State::open;
};

}  // namespace smsd::queue
