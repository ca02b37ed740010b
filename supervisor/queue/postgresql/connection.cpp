// SPDX-License-Identifier: GPL-3.0-or-later
// One connection to PostgreSQL: how it is made, configured and lost, and what its errors mean. See
// connection.h.
#include "supervisor/queue/postgresql/connection.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "supervisor/queue/postgresql/sql-session.h"

namespace smsd::queue::postgresql {

namespace {

using Kind = QueueError::Kind;

/// Reduces "ERROR:  column ... \nLINE 1: ..." to one line, without the server's quotations of our statement.
std::string firstLine(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  for (const char* prefix : {"ERROR:  ", "FATAL:  ", "PANIC:  "})
    if (line.starts_with(prefix)) line.erase(0, std::string(prefix).size());
  return line;
}

std::string joinLines(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

/// Returns the DETAIL line if it contains keys; other DETAIL lines may contain a row.
std::string keyDetail(const std::string& text) {
  auto at = text.find("DETAIL:  Key ");
  return at == std::string::npos ? "" : ": " + firstLine(text.substr(at + 9));
}

QueueError notConnected(const std::string& said) {
  const std::string line = joinLines(said);
  auto says = [&](const char* words) { return line.find(words) != std::string::npos; };
  if (says("Peer authentication failed") || says("Ident authentication failed"))
    return {Kind::denied,
            line +
                ": the server accepts this role only from the system user of the same name; become that user "
                "(`sudo -u smsd smsctl ...` where the role is smsd)"};
  if (says("authentication failed") || says("no password supplied"))
    return {Kind::denied,
            line + ": check the role's password (.pgpass, or passfile= in queue.postgresql.connection)"};
  if (says("no pg_hba.conf entry") || says("pg_hba.conf rejects"))
    return {Kind::denied, line + ": allow this role in the server's pg_hba.conf"};
  if (says("role \"") && says("does not exist"))
    return {Kind::denied, line + ": create the role, or name another role as user="};
  if (says("database \"") && says("does not exist"))
    return {Kind::denied, line + ": name NAV's database as dbname= in queue.postgresql.connection"};
  if (says("permission denied") || says("is not permitted to log in"))
    return {Kind::denied, line + ": GRANT it, or use another role"};
  return {Kind::unreachable, "no connection to PostgreSQL: " + line};
}

SqlError tableMissing(const std::string& line, const std::string& state) {
  if (line.find("smsd.") != std::string::npos || line.find("\"smsd\"") != std::string::npos)
    return {Kind::notInstalled, line + ": run `smsctl db install`", state};
  return {Kind::notInstalled,
          line +
              ": is this NAV's database, and does its search_path name the schema of smsq (in NAV: "
              "profiles), and may this role use that schema?",
          state};
}

/// Returns the SQLSTATE. libpqxx 6 does not provide it for every exception.
std::string stateOf(const pqxx::sql_error& error) {
  if (error.sqlstate().empty() && dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr)
    return "42501";
  return error.sqlstate();
}

/// A prepared statement is no longer valid: a table was altered, or the statement was discarded.
bool isStale(const std::string& state) { return state == "0A000" || state == "26000"; }

/// Translates a refusal by its SQLSTATE.
SqlError refused(const pqxx::sql_error& error) {
  const std::string state = stateOf(error), kind = state.substr(0, 2), text = error.what();
  const std::string line = firstLine(text);
  if (state == "42501")
    return {Kind::denied, line + ": run the GRANTs that `smsctl db install` prints", state};
  if (state == "42P01" || state == "3F000" || state == "42703" || state == "42883")
    return tableMissing(line, state);
  if (kind == "22") return {Kind::invalid, line.substr(0, line.find(": \"")), state};
  if (kind == "23") return {Kind::invalid, line + (state == "23503" ? keyDetail(text) : ""), state};
  if (state == "55P03" || state == "57014" || kind == "40")
    return {Kind::unreachable, line + ": another session holds a lock on the queue; try again", state};
  if (isStale(state))
    return {Kind::unreachable,
            line + ": the tables were changed meanwhile; smsd tries again on a new connection", state};
  if (state == "25006")
    return {Kind::unreachable, line + ": this server is a standby or read-only; try again", state};
  if (kind == "53" || kind == "57" || kind == "08" || kind == "58")
    return {Kind::unreachable, "PostgreSQL: " + line, state};
  return {Kind::failed, "PostgreSQL: " + line + (state.empty() ? "" : " (SQLSTATE " + state + ")"), state};
}

bool readable(int descriptor) {
  pollfd ready{descriptor, POLLIN, 0};
  return poll(&ready, 1, 0) > 0;
}

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::string quoted(const std::string& value) {
  std::string result = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

/// Returns the settings in a connection string. libpq's message about an invalid string may quote a password,
/// so it is not passed on.
std::map<std::string, std::string> settingsOf(const std::string& connection) {
  char* said = nullptr;
  Options options(PQconninfoParse(connection.c_str(), &said), PQconninfoFree);
  PQfreemem(said);
  if (!options)
    throw QueueError(Kind::failed,
                     "queue.postgresql.connection is not a connection string: write \"host=/run/postgresql "
                     "dbname=nav user=smsd\"");
  std::map<std::string, std::string> settings;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) settings[option->keyword] = option->val;
  return settings;
}

/// Returns libpq's words about a connection without the values that they quote of it. Host, user and database
/// stay, because an administrator needs them.
std::string withoutValues(std::string words, const std::map<std::string, std::string>& settings) {
  for (const auto& [name, value] : settings) {
    if (name == "host" || name == "hostaddr" || name == "user" || name == "dbname") continue;
    const std::string said = '"' + value + '"', shown = "of " + name;
    if (value.empty() || value.find_first_not_of("0123456789") == std::string::npos) continue;
    for (std::size_t at = words.find(said); at != std::string::npos; at = words.find(said, at))
      words.replace(at, said.size(), shown);
  }
  return words;
}

std::string joined(const std::map<std::string, std::string>& settings) {
  std::string result;
  for (const auto& [name, value] : settings) result += name + "=" + quoted(value) + " ";
  return result;
}

/// Connects, with smsd's own settings for all that the connection string leaves open.
std::unique_ptr<pqxx::connection> connected(const std::string& connection) {
  auto settings = settingsOf(connection);
  settings.insert(sql::connectionDefaults.begin(), sql::connectionDefaults.end());
  try {
    return std::make_unique<pqxx::connection>(joined(settings));
  } catch (const std::exception& error) {
    throw notConnected(withoutValues(error.what(), settings));
  }
}

}  // namespace

std::string withRole(const std::string& connection, const std::string& role) {
  auto settings = settingsOf(connection);
  settings["user"] = role;
  settings.erase("password");
  settings.erase("passfile");
  return joined(settings);
}

std::string roleIn(const std::string& connection) {
  const auto settings = settingsOf(connection);
  const auto found = settings.find("user");
  return found == settings.end() ? "" : found->second;
}

const std::string& Prepared::nameOf(pqxx::connection& connection, const char* statement) {
  auto known = names_.find(statement);
  if (known != names_.end()) return known->second;
  const std::string name = "smsd" + std::to_string(names_.size());
  connection.prepare(name, statement);
  return names_.emplace(statement, name).first->second;
}

void SocketCopy::take(int socket) {
  close();
  std::lock_guard lock(mutex_);
  copy_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);  // if it fails, the connection cannot be cut
}

void SocketCopy::close() {
  std::lock_guard lock(mutex_);
  if (copy_ >= 0) ::close(copy_);
  copy_ = -1;
}

void SocketCopy::cut() {
  std::lock_guard lock(mutex_);
  if (copy_ >= 0) shutdown(copy_, SHUT_RDWR);
}

void Session::drop() {
  socket_.close();
  connection_.reset();
  prepared_ = {};
}

pqxx::connection& Session::ready() {
  if (connection_ && connection_->is_open()) return *connection_;
  drop();
  std::unique_ptr<pqxx::connection> made = connected(connectionString_);
  socket_.take(made->sock());
  prepare(*made);
  connection_ = std::move(made);
  fresh_ = true;
  return *connection_;
}

void Session::prepare(pqxx::connection& connection) {
  Transaction tx(connection, prepared_);
  const std::string encoding = tx.once(sql::serverEncoding).front().text(sql::ServerEncoding::serverEncoding);
  if (encoding != "UTF8" && encoding != "SQL_ASCII")
    throw QueueError(Kind::failed,
                     "the database's encoding is " + encoding + ": smsd needs UTF8, as NAV does");
  // SQL_ASCII on both sides lets smsd read any bytes of a row and send them back unchanged.
  tx.once(("SET client_encoding TO '" + encoding + "'").c_str());
  tx.once(sql::sessionSettings);
  findIndexes(tx);
  tx.once(sql::listen);
  tx.commit();
}

void Session::lookForIndexes() {
  transact([this](Transaction& tx) { findIndexes(tx); });
}

void Session::findIndexes(Transaction& tx) {
  indexed_ = tx.numberOnce(sql::usableIndexes) == 2;
  tx.once(indexed_ ? sql::planByIndex : sql::planFreely);
}

void Session::execute(const std::string& statement) {
  guarded([&](pqxx::connection& connection) { pqxx::nontransaction(connection).exec0(statement); });
}

bool Session::takeNews() {
  bool news = std::exchange(fresh_, false);
  if (!connection_) return news;
  try {
    // Read everything: the end of the connection follows the server's last message, and the edge-triggered
    // observer reports it only once.
    do {
      news = connection_->get_notifs() > 0 || news;
    } while (connection_->is_open() && readable(connection_->sock()));
    if (connection_->is_open()) return news;
  } catch (const std::exception&) {
    // libpqxx 6 returns at the end of the connection, libpqxx 7 throws; both mean the same.
  }
  // A lost connection counts as news, so that the next look at the queue reconnects or reports the reason.
  drop();
  return true;
}

/// Uses a second connection, because PostgreSQL always delivers a notification to the connection that sent
/// it, even through a pooler. A pooler assigns a server per transaction, and drops notifications that arrive
/// between two of them.
bool Session::ring() {
  const std::unique_ptr<pqxx::connection> second = connected(connectionString_);
  aside_.take(second->sock());
  try {
    Prepared none;
    Transaction tx(*second, none);
    const bool announced = tx.flagOnce(sql::announcesInserts);
    tx.once(sql::ring);
    tx.commit();
    aside_.close();
    return announced;
  } catch (const std::exception& error) {
    aside_.close();
    throw QueueError(Kind::unreachable, "PostgreSQL: " + firstLine(error.what()));
  }
}

void Session::fail(const std::exception& error) {
  const auto* refusal = dynamic_cast<const pqxx::sql_error*>(&error);
  const bool cut = dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr ||
                   dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr ||
                   (connection_ && !connection_->is_open());
  if (cut) drop();
  if (cut && refusal == nullptr)
    throw QueueError(Kind::unreachable, "the connection to PostgreSQL was lost: " + firstLine(error.what()));
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error) !=
      nullptr)  // derives from sql_error in libpqxx 7 only
    throw SqlError(Kind::unreachable, firstLine(error.what()) + ": another session was in the way; try again",
                   "40000");
  if (refusal == nullptr) throw QueueError(Kind::failed, "PostgreSQL: " + firstLine(error.what()));
  SqlError translated = refused(*refusal);
  if (translated.state().starts_with("57P") || translated.state().starts_with("08") ||
      isStale(translated.state()))
    drop();
  if (cut && translated.kind() != Kind::unreachable)
    throw SqlError(Kind::unreachable, "the connection to PostgreSQL was lost: " + firstLine(error.what()),
                   translated.state());
  throw translated;
}

}  // namespace smsd::queue::postgresql
