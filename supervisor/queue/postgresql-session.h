// One connection to PostgreSQL, made when it is needed and made anew when it was lost.
//
// Owns the connection string, the settings of our sessions, LISTEN, and what libpqxx's exceptions mean:
// everything that leaves here is a QueueError of one line that says what to do and never contains the
// connection string or a message's text. Called by the PostgreSQL backend only. Never repeats a transaction:
// that is the caller's decision.
#pragma once

#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// A QueueError that still knows what the server called it.
class SqlError : public QueueError {
 public:
  SqlError(Kind kind, const std::string& what, std::string state)
      : QueueError(kind, what), state_(std::move(state)) {}
  const std::string& state() const { return state_; }

 private:
  std::string state_;
};

/// A second hand on a connection's socket, for another thread to cut it by: libpq cannot be told to stop
/// waiting for an answer, but it sees the end of its socket.
class Line {
 public:
  ~Line() { release(); }
  void take(int socket);
  void release();
  void cut();

 private:
  std::mutex mutex_;
  int copy_ = -1;  // the number of the original may be another's by the time it is used
};

/// What a connection was told once, to be run again and again without being parsed again.
class Prepared {
 public:
  const std::string& nameOf(pqxx::connection& connection, const char* statement);

 private:
  std::unordered_map<const char*, std::string> names_;  // by the place of the text, which is a constant
};

/// A transaction.
class Work {
 public:
  Work(pqxx::connection& connection, Prepared& prepared)
      : connection_(connection), prepared_(prepared), work_(connection) {}

  /// For the statements of the road: constants of postgresql-sql.h.
  template <typename... Values>
  pqxx::result run(const char* statement, Values&&... values) {
    return work_.exec_prepared(prepared_.nameOf(connection_, statement), std::forward<Values>(values)...);
  }
  /// For all others.
  operator pqxx::work&() { return work_; }
  pqxx::work* operator->() { return &work_; }

 private:
  pqxx::connection& connection_;
  Prepared& prepared_;
  pqxx::work work_;
};

class Session {
 public:
  explicit Session(std::string connection) : connectionString_(std::move(connection)) {}

  /// Runs the body in one transaction and commits it.
  template <typename Body>
  auto transact(Body&& body) {
    return guarded([&](pqxx::connection& connection) {
      Work work(connection, prepared_);
      if constexpr (std::is_void_v<std::invoke_result_t<Body, Work&>>) {
        body(work);
        work->commit();
      } else {
        auto result = body(work);
        work->commit();
        return result;
      }
    });
  }

  /// For what may not run in a transaction.
  void execute(const std::string& statement);

  /// smsq has the two partial indexes, so that plans may rely on them.
  bool indexed() const { return indexed_; }
  /// Looks again: somebody may have made them meanwhile.
  void lookForIndexes();

  /// NOTIFY through a second connection. Returns whether something announces what others insert into smsq.
  bool ring();

  int descriptor() const { return connection_ ? connection_->sock() : -1; }
  bool takeNews();

  /// From any thread: ends the wait of whatever waits for an answer now.
  void hangUp() {
    line_.cut();
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
  void findIndexes(pqxx::work& work);
  void drop();
  [[noreturn]] void fail(const std::exception& error);

  std::string connectionString_;
  std::unique_ptr<pqxx::connection> connection_;
  Line line_;
  Line aside_;         // of the second connection, while there is one
  Prepared prepared_;  // on this connection
  bool indexed_ = false;
  bool fresh_ = false;  // connected since news were last asked for: some may have been missed
};

}  // namespace smsd::queue
