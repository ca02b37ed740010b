// SPDX-License-Identifier: GPL-3.0-or-later
// One connection to PostgreSQL. It is made when first needed, and again after it was lost.
//
// Owns the connection string, the settings of our sessions, LISTEN, and the translation of libpqxx's
// exceptions. Every exception that leaves this file is a QueueError of one line; it advises what to do, and
// never contains the connection string or a message's text. Called by the PostgreSQL backend only. Never
// repeats a transaction: the caller decides that.
#pragma once

#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "supervisor/queue/postgresql/result.h"
#include "supervisor/queue/queue.h"
#include "supervisor/queue/statement.h"

namespace smsd::queue::postgresql {

/// A QueueError that keeps the server's SQLSTATE.
class SqlError : public QueueError {
 public:
  SqlError(Kind kind, const std::string& what, std::string state)
      : QueueError(kind, what), state_(std::move(state)) {}
  const std::string& state() const { return state_; }
  /// Another session held a lock for too long, or this one was aborted to end a deadlock.
  bool isLocked() const { return state_ == "55P03" || state_.starts_with("40"); }

 private:
  std::string state_;
};

/// A duplicate of a connection's socket, by which another thread can cut the connection. libpq has no way to
/// interrupt a wait for the server's reply, but it notices when its socket is shut down.
class SocketCopy {
 public:
  ~SocketCopy() { close(); }
  void take(int socket);
  void close();
  void cut();

 private:
  std::mutex mutex_;
  int copy_ = -1;  // a duplicate, because the original's number may be reused by the time of the cut
};

/// The statements that a connection has prepared, so that they are parsed only once.
class Prepared {
 public:
  const std::string& nameOf(pqxx::connection& connection, const char* statement);

 private:
  std::unordered_map<const char*, std::string> names_;  // by the address of the text, which is a constant
};

/// A transaction. Statements with columns return rows, others the number of rows changed.
class Transaction {
 public:
  Transaction(pqxx::connection& connection, Prepared& prepared)
      : connection_(connection), prepared_(prepared), work_(connection) {}

  /// For the statements of the road: constants of sql-*.h, which are prepared at their first use.
  template <typename Column, typename... Values>
  Rows<Column> run(const Statement<Column>& statement, Values&&... values) {
    return Rows<Column>(prepared(statement.literal(), std::forward<Values>(values)...));
  }
  template <typename... Values>
  std::size_t run(const char* statement, Values&&... values) {
    return prepared(statement, std::forward<Values>(values)...).affected_rows();
  }
  template <typename... Values>
  std::int64_t number(const char* statement, Values&&... values) {
    return prepared(statement, std::forward<Values>(values)...).at(0).at(0).template as<std::int64_t>();
  }

  /// For all other statements, which are not prepared.
  template <typename Column, typename... Values>
  Rows<Column> once(const Statement<Column>& statement, Values&&... values) {
    return Rows<Column>(unprepared(statement.literal(), std::forward<Values>(values)...));
  }
  template <typename... Values>
  std::size_t once(const char* statement, Values&&... values) {
    return unprepared(statement, std::forward<Values>(values)...).affected_rows();
  }
  template <typename... Values>
  std::int64_t numberOnce(const char* statement, Values&&... values) {
    return unprepared(statement, std::forward<Values>(values)...).at(0).at(0).template as<std::int64_t>();
  }
  bool flagOnce(const char* statement) { return unprepared(statement).at(0).at(0).as<bool>(); }
  /// NULL becomes an empty text.
  std::string textOnce(const char* statement) {
    const pqxx::field text = unprepared(statement).at(0).at(0);
    return text.is_null() ? "" : text.c_str();
  }

  std::string quotedName(const std::string& name) { return work_.quote_name(name); }
  void commit() { work_.commit(); }

 private:
  template <typename... Values>
  pqxx::result prepared(const char* statement, Values&&... values) {
    return work_.exec_prepared(prepared_.nameOf(connection_, statement), std::forward<Values>(values)...);
  }
  /// Without values, `statement` may be several statements.
  template <typename... Values>
  pqxx::result unprepared(const char* statement, Values&&... values) {
    if constexpr (sizeof...(Values) == 0)
      return work_.exec(statement);
    else
      return work_.exec_params(statement, std::forward<Values>(values)...);
  }

  pqxx::connection& connection_;
  Prepared& prepared_;
  pqxx::work work_;
};

/// Returns the connection string with another role, and without a password. Throws QueueError.
std::string withRole(const std::string& connection, const std::string& role);
/// Returns the role that the connection string names; empty if it names none. Throws QueueError.
std::string roleIn(const std::string& connection);

class Session {
 public:
  explicit Session(std::string connection) : connectionString_(std::move(connection)) {}

  /// Runs `body` in one transaction, commits it, and returns the body's result.
  template <typename Body>
  auto transact(Body&& body) {
    return guarded([&](pqxx::connection& connection) {
      Transaction tx(connection, prepared_);
      if constexpr (std::is_void_v<std::invoke_result_t<Body, Transaction&>>) {
        body(tx);
        tx.commit();
      } else {
        auto result = body(tx);
        tx.commit();
        return result;
      }
    });
  }

  /// For statements that may not run in a transaction.
  void execute(const std::string& statement);

  /// smsq has both partial indexes, so that plans may rely on them.
  bool indexed() const { return indexed_; }
  /// Checks again, because an administrator may have created them meanwhile.
  void lookForIndexes();

  /// Sends NOTIFY through a second connection. Returns whether a trigger announces inserts into smsq.
  bool ring();

  int descriptor() const { return connection_ ? connection_->sock() : -1; }
  bool takeNews();

  /// Ends a wait for the server's reply. May be called from any thread.
  void hangUp() {
    socket_.cut();
    aside_.cut();
  }

 private:
  template <typename Use>
  auto guarded(Use&& use) {
    try {
      return use(ready());
    } catch (const QueueError&) {
      throw;
    } catch (const std::exception& error) {
      fail(error);
    }
  }

  pqxx::connection& ready();
  void prepare(pqxx::connection& connection);
  void findIndexes(Transaction& tx);
  void drop();
  [[noreturn]] void fail(const std::exception& error);

  std::string connectionString_;
  std::unique_ptr<pqxx::connection> connection_;
  SocketCopy socket_;
  SocketCopy aside_;   // of the second connection, while it exists
  Prepared prepared_;  // on `connection_`
  bool indexed_ = false;
  bool fresh_ = false;  // connected since the last takeNews(): notifications may have been missed
};

}  // namespace smsd::queue::postgresql
