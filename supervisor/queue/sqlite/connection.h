// SPDX-License-Identifier: GPL-3.0-or-later
// A thin layer over sqlite3: a connection with its prepared statements, and transactions that always end.
//
// Owns the descriptors of one open file and the translation of sqlite3's errors into QueueError. Called by
// this backend only, from one thread. Knows no table. Fails by QueueError, whose text is one line, names the
// file and advises what to do.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "supervisor/queue/queue.h"
#include "supervisor/queue/ranges.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite {

/// The file system is full, or a quota is used up. The caller may make room and try again.
class DiskFull : public QueueError {
 public:
  explicit DiskFull(const std::string& what) : QueueError(Kind::unreachable, what) {}
};

/// A prepared statement in use. The destructor resets it, so that it holds no snapshot open.
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
  /// Returns false if there is no further row.
  bool next();
  /// Runs to the end. Returns the number of rows changed.
  std::size_t run();
  /// For statements that return exactly one number.
  std::int64_t number();

 protected:
  bool isNullAt(int column) const;
  std::int64_t integerAt(int column) const;
  std::string textAt(int column) const;

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
  void bindOne(const std::optional<std::string>& value) {
    if (value)
      bindOne(std::string_view(*value));
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

/// A statement in use, whose present row is read by the names of its columns.
template <typename C>
class Row : public Query {
 public:
  using Column = C;
  using Query::Query;

  template <typename... T>
  Row& bind(const T&... values) {
    Query::bind(values...);
    return *this;
  }

  bool isNull(Column column) const { return isNullAt(static_cast<int>(column)); }
  bool flag(Column column) const { return integer(column) != 0; }
  std::int64_t integer(Column column) const { return integerAt(static_cast<int>(column)); }
  std::optional<int> optionalInt(Column column) const {
    if (isNull(column)) return std::nullopt;
    return nearestInt(integer(column));
  }
  std::optional<std::int64_t> optionalInteger(Column column) const {
    if (isNull(column)) return std::nullopt;
    return integer(column);
  }
  /// NULL becomes an empty text.
  std::string text(Column column) const { return textAt(static_cast<int>(column)); }
};

class Session {
 public:
  enum class IfMissing { make, refuse };
  /// Opens the file; the caller has to check its content.
  explicit Session(const std::string& path, IfMissing missing = IfMissing::make);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Without symbolic links.
  const std::string& path() const { return path_; }
  /// Prepares the statement at its first use and keeps it. Use each text only once at a time.
  template <typename Column>
  Row<Column> query(const Statement<Column>& statement) {
    return Row<Column>(statement.isLiteral() ? constant(statement.literal()) : prepared(statement.text()),
                       path_);
  }
  /// `statement` is a constant.
  Query query(const char* statement) { return Query(constant(statement), path_); }
  /// Returns the id of the row that this connection inserted last.
  std::int64_t lastId() const { return sqlite3_last_insert_rowid(db_.get()); }
  /// Runs any number of statements without a result.
  void execute(const char* sql);
  /// Writes the whole log into the file and empties it. Returns whether that worked: there was room, and
  /// other readers and writers ended within `patience`.
  bool checkpoint(std::chrono::milliseconds patience);
  /// A statement that takes longer than this from now on fails, and `gaveUp` is true then.
  void giveUpAfter(std::chrono::milliseconds patience);
  bool gaveUp() const { return std::chrono::steady_clock::now() >= giveUpAt_; }
  /// At close, the write-ahead log is then neither written into the file nor removed.
  void leaveLogAlone();

 private:
  sqlite3_stmt* constant(const char* sql);
  sqlite3_stmt* prepared(std::string_view sql);

  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::string path_;
  std::chrono::steady_clock::time_point giveUpAt_ = std::chrono::steady_clock::time_point::max();
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
  std::unordered_map<const char*, sqlite3_stmt*> constants_;  // of statements_, by the address of the text
};

/// Registers the functions that our statements use besides sqlite3's own: smsd_stamp (stamp.h).
void addFunctions(sqlite3* db);

class Transaction {
 public:
  enum class Kind {
    write,  // takes the write lock at once, so no value read in it is outdated at a later write
    read,   // one snapshot for all reads; blocks no other connection
  };
  explicit Transaction(Session& session, Kind kind = Kind::write) : session_(session) {
    session_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  enum class State { open, done };
  Session& session_;
  State state_ = State::open;
};

}  // namespace smsd::queue::sqlite
