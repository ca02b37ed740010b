// SPDX-License-Identifier: GPL-3.0-or-later
#include "session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "sql.h"

namespace gammu_outbox {
namespace {

using Kind = QueueError::Kind;

/// Reduces the server's words to one line, without its quotations of our statement.
std::string firstLine(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  for (const char* prefix : {"ERROR:  ", "FATAL:  ", "PANIC:  "})
    if (line.starts_with(prefix)) line.erase(0, std::string(prefix).size());
  return line;
}

/// libpq's words on a connection name the server, the role and the database, but no password.
QueueError notConnected(const std::string& said) {
  std::string line = said.substr(0, said.find_last_not_of(" \n") + 1);
  std::replace(line.begin(), line.end(), '\n', ' ');
  const auto says = [&](const char* words) { return line.find(words) != std::string::npos; };
  const bool refused = says("authentication failed") || says("pg_hba.conf") || says("no password supplied") ||
                       says("does not exist") || says("permission denied");
  if (refused) return {Kind::denied, line + ": check the role and the database in queue.connection"};
  return {Kind::unreachable, "no connection to PostgreSQL: " + line};
}

std::string stateOf(const pqxx::sql_error& error) {
  if (error.sqlstate().empty() && dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr)
    return "42501";
  return error.sqlstate();
}

/// Translates a refusal by its SQLSTATE.
QueueError refused(const pqxx::sql_error& error) {
  const std::string state = stateOf(error), kind = state.substr(0, 2), text = error.what(),
                    line = firstLine(text);
  if (state == "42501") return {Kind::denied, line + ": run `smsctl db install --grant` with its role"};
  if (state == "42P01" || state == "3F000" || state == "42703" || state == "42883")
    return {Kind::notInstalled, line + ": run `smsctl db install`"};
  if (state == "23503") {  // the only foreign key is that of the account; its key is a number
    const auto key = text.find("DETAIL:  Key ");
    return {Kind::invalid, line + (key == std::string::npos ? "" : ": " + firstLine(text.substr(key + 9)))};
  }
  if (kind == "22" || kind == "23") return {Kind::invalid, line.substr(0, line.find(": \""))};
  // Locks, deadlocks, statement timeouts, a standby, a server that stops, is full or restarts.
  if (state == "55P03" || state == "25006" || state == "0A000" || kind == "40" || kind == "53" ||
      kind == "57" || kind == "08" || kind == "58")
    return {Kind::unreachable, "PostgreSQL: " + line};
  return {Kind::failed, "PostgreSQL: " + line + (state.empty() ? "" : " (SQLSTATE " + state + ")")};
}

bool readable(int descriptor) {
  pollfd ready{descriptor, POLLIN, 0};
  return poll(&ready, 1, 0) > 0;
}

}  // namespace

std::unique_ptr<pqxx::connection> Session::connect() const {
  // A silent network is noticed in seconds instead of hours. A setting in the text comes later, and wins.
  const std::string defaults =
      "connect_timeout=5 keepalives_idle=10 keepalives_interval=3 keepalives_count=3 ";
  const bool isUri = connectionText_.find("://") != std::string::npos;
  try {
    return std::make_unique<pqxx::connection>(isUri ? connectionText_ : defaults + connectionText_);
  } catch (const std::exception& error) {
    const std::string said = error.what();
    // libpq quotes a word of a text that it does not understand, which may be a part of a password.
    if (said.find("in connection info string") != std::string::npos ||
        said.find("invalid connection option") != std::string::npos ||
        said.find("invalid URI") != std::string::npos)
      throw QueueError(Kind::notInstalled,
                       "queue.connection is no connection string of libpq, expected for example "
                       "\"host=/run/postgresql dbname=smsd user=smsd\"");
    throw notConnected(said);
  }
}

pqxx::connection& Session::ready() {
  if (connection_ && connection_->is_open()) return *connection_;
  drop();
  auto made = connect();
  {
    std::lock_guard lock(socketMutex_);
    socket_ = fcntl(made->sock(), F_DUPFD_CLOEXEC, 0);
  }
  Transaction tx(*made);
  tx.run(sql::sessionSettings);
  tx.run(sql::listen);
  tx.commit();
  connection_ = std::move(made);
  fresh_ = true;
  return *connection_;
}

void Session::forgetSocket() {
  std::lock_guard lock(socketMutex_);
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Session::drop() {
  forgetSocket();
  connection_.reset();
}

void Session::hangUp() {
  std::lock_guard lock(socketMutex_);
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

bool Session::takeNews() {
  bool news = std::exchange(fresh_, false);
  if (!connection_) return news;
  try {
    // To the end: the end of the connection follows the server's last message.
    do {
      news = connection_->get_notifs() > 0 || news;
    } while (connection_->is_open() && readable(connection_->sock()));
    if (connection_->is_open()) return news;
  } catch (const std::exception&) {
    // libpqxx 6 returns at the end of the connection, libpqxx 7 throws.
  }
  drop();
  return true;  // the next look at the queue reconnects or reports the reason
}

bool Session::ring() {
  const auto second = connect();
  try {
    Transaction tx(*second);
    const bool announced = tx.flag(sql::announcesInserts);
    tx.run(sql::ring);
    tx.commit();
    return announced;
  } catch (const std::exception& error) {
    throw QueueError(Kind::unreachable, "PostgreSQL: " + firstLine(error.what()));
  }
}

void Session::fail(const std::exception& error) {
  const auto* refusal = dynamic_cast<const pqxx::sql_error*>(&error);
  const bool cut = dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr ||
                   dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr ||
                   (connection_ && !connection_->is_open());
  if (cut) drop();
  if (cut || dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr)
    throw QueueError(Kind::unreachable, "PostgreSQL: " + firstLine(error.what()));
  if (refusal == nullptr) throw QueueError(Kind::failed, "PostgreSQL: " + firstLine(error.what()));
  if (stateOf(*refusal).starts_with("57P") || stateOf(*refusal).starts_with("08")) drop();
  throw refused(*refusal);
}

}  // namespace gammu_outbox
