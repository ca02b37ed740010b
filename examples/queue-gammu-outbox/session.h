// SPDX-License-Identifier: GPL-3.0-or-later
// One connection to PostgreSQL. It is made when first needed, and again after it was lost.
//
// Owns the settings of our sessions, LISTEN, and the translation of libpqxx's exceptions: only QueueError
// leaves it, in one line that contains neither the connection nor the text of a message. Never repeats a
// transaction: smsd does that. The code uses only the interfaces that libpqxx 6.4 and 7.10 share.
#pragma once

#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>

#include <smsd/queue.h>
#include <smsd/queue/postgresql/result.h>
#include <smsd/queue/statement.h>

namespace gammu_outbox {

using smsd::queue::QueueError;
using smsd::queue::Statement;
using smsd::queue::postgresql::Row;
using smsd::queue::postgresql::Rows;

/// A transaction. Statements with columns return rows, others the number of rows changed. Each is planned for
/// its values, because a plan that is kept from an empty table is slow on a full one.
class Transaction {
 public:
  explicit Transaction(pqxx::connection& connection) : work_(connection) {}

  template <typename Column, typename... Values>
  Rows<Column> run(const Statement<Column>& statement, Values&&... values) {
    return Rows<Column>(result(statement.literal(), std::forward<Values>(values)...));
  }
  template <typename... Values>
  std::size_t run(const char* statement, Values&&... values) {
    return result(statement, std::forward<Values>(values)...).affected_rows();
  }
  template <typename... Values>
  std::int64_t number(const char* statement, Values&&... values) {
    return result(statement, std::forward<Values>(values)...).at(0).at(0).template as<std::int64_t>();
  }
  bool flag(const char* statement) { return result(statement).at(0).at(0).as<bool>(); }
  std::string text(const char* statement) { return result(statement).at(0).at(0).c_str(); }
  std::string quotedName(const std::string& name) { return work_.quote_name(name); }
  void commit() { work_.commit(); }

 private:
  /// Without values, `statement` may be several statements.
  template <typename... Values>
  pqxx::result result(const char* statement, Values&&... values) {
    if constexpr (sizeof...(Values) == 0)
      return work_.exec(statement);
    else
      return work_.exec_params(statement, std::forward<Values>(values)...);
  }

  pqxx::work work_;
};

class Session {
 public:
  explicit Session(std::string connection) : connectionText_(std::move(connection)) {}
  ~Session() { forgetSocket(); }

  /// Runs `body` in one transaction, commits it, and returns the body's result.
  template <typename Body>
  auto transact(Body&& body) {
    try {
      Transaction tx(ready());
      if constexpr (std::is_void_v<std::invoke_result_t<Body, Transaction&>>) {
        body(tx);
        tx.commit();
      } else {
        auto result = body(tx);
        tx.commit();
        return result;
      }
    } catch (const QueueError&) {
      throw;
    } catch (const std::exception& error) {
      fail(error);
    }
  }

  /// Sends NOTIFY through a second connection. Returns whether triggers announce inserts into outbox.
  bool ring();
  int descriptor() const { return connection_ ? connection_->sock() : -1; }
  bool takeNews();
  /// Ends a wait for the server's reply. May be called from any thread.
  void hangUp();

 private:
  pqxx::connection& ready();
  std::unique_ptr<pqxx::connection> connect() const;
  void drop();
  void forgetSocket();
  [[noreturn]] void fail(const std::exception& error);

  std::string connectionText_;
  std::unique_ptr<pqxx::connection> connection_;
  std::mutex socketMutex_;
  int socket_ = -1;     // a duplicate, which another thread may shut down
  bool fresh_ = false;  // connected since the last takeNews(): notifications may have been missed
};

}  // namespace gammu_outbox
