// SPDX-License-Identifier: GPL-3.0-or-later
// See connection.h.
#include "supervisor/queue/sqlite/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/files/regular-file.h"
#include "supervisor/queue/sqlite/queue-path.h"
#include "supervisor/queue/sqlite/stamp.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

constexpr std::chrono::milliseconds busyTimeout{5000};

std::string oneLine(const char* text) {
  std::string line = text == nullptr ? "" : text;
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

QueueError describe(int result, const std::string& said, const std::string& path) {
  const auto error = [&](Kind kind, std::string_view advice) {
    return QueueError(kind, fmt::format("{}: {} ({})", path, advice, said));
  };
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(Kind::unreachable, "another process holds the lock on the queue for too long");
    case SQLITE_IOERR:
      return error(Kind::unreachable, "reading or writing failed: check the disk");
    case SQLITE_NOMEM:
      return error(Kind::unreachable, "no memory");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return error(Kind::denied,
                   "this user may not write: check the owner and mode of the file and of its folder");
    case SQLITE_CORRUPT:
      return error(Kind::failed,
                   "the file is damaged: stop smsd, keep a copy, repair it with sqlite3's .recover");
    case SQLITE_NOTADB:
      return error(Kind::notInstalled,
                   "is not an SQLite database: move it away or set queue.sqlite.path to another file");
    case SQLITE_CONSTRAINT:
      return error(Kind::invalid, "a constraint of the table refuses the value");
    case SQLITE_TOOBIG:
      return error(Kind::invalid, "a value is too large");
    default:
      break;
  }
  if (said.starts_with("no such table") || said.starts_with("no such column") ||
      said.starts_with("no such index"))
    return error(Kind::notInstalled, "the queue's tables were changed or removed: run `smsctl db install`");
  return error(Kind::failed, "the database refused the statement");
}

constexpr std::string_view makeRoom = "the disk is full: free space on its file system";

/// SQLite reports SQLITE_FULL for a write, but only SQLITE_IOERR for the files it maps.
bool isFull(sqlite3* db, int result) {
  const int reason = sqlite3_system_errno(db);
  return (result & 0xff) == SQLITE_FULL ||
         ((result & 0xff) == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT));
}

[[noreturn]] void fail(sqlite3* db, const std::string& path) {
  if (isFull(db, sqlite3_extended_errcode(db))) throw DiskFull(fmt::format("{}: {}", path, makeRoom));
  throw describe(sqlite3_extended_errcode(db), oneLine(sqlite3_errmsg(db)), path);
}

// open() gives a more precise reason than SQLITE_CANTOPEN.
void refuse(const std::string& path, int reason) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (reason == EACCES || reason == EPERM || reason == EROFS)
    throw QueueError(Kind::denied,
                     fmt::format("{}: {}: check the owner and mode of the file and of the folders above it",
                                 path, std::strerror(reason)));
  if (reason == ENOENT && !std::filesystem::exists(folder))
    throw QueueError(
        Kind::failed,
        fmt::format("{}: the folder {} does not exist: create it, or set queue.sqlite.path", path, folder));
  if (reason == ENOSPC || reason == EDQUOT) throw DiskFull(fmt::format("{}: {}", path, makeRoom));
  throw QueueError(Kind::failed, fmt::format("{}: cannot be opened ({})", path, std::strerror(reason)));
}

// Creates the file itself, because sqlite3 would make it readable for all users; the files beside it get the
// same mode. Does not open an existing file, because closing it would drop the locks that another connection
// of this process has on it. Another process would then consider itself the last user and remove the log.
void touch(const std::string& path, Session::IfMissing missing) {
  refuseNoFile(path);
  if (faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return;
  const int make = missing == Session::IfMissing::make ? O_CREAT : 0;
  std::error_code why;
  const int fd = files::openRegular(path, O_RDWR | make, why, 0660);
  if (fd < 0 && why.category() == std::generic_category()) refuse(path, why.value());
  if (fd < 0) throw QueueError(Kind::failed, fmt::format("{}: {}", path, why.message()));
  close(fd);
}

void stamp(sqlite3_context* context, int, sqlite3_value** values) {
  const auto part = [&](int n) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(values[n]));
    return std::string_view(bytes == nullptr ? "" : bytes,
                            static_cast<std::size_t>(sqlite3_value_bytes(values[n])));
  };
  sqlite3_result_int64(context, stampOf(part(0), part(1), part(2)));
}

/// Has SQLite keep no statistics of its memory, because nothing reads them, and each allocation would take a
/// lock for them. Works only before the first use of SQLite in the process; later it has no effect.
void countNoMemory() {
  [[maybe_unused]] static const int result = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

void addFunctions(sqlite3* db) {
  sqlite3_create_function_v2(db, "smsd_stamp", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                             nullptr, stamp, nullptr, nullptr, nullptr);
}

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int result) {
  if (result != SQLITE_OK) fail(sqlite3_db_handle(statement_), path_);
}

void Query::bindOne(std::int64_t value) { check(sqlite3_bind_int64(statement_, ++bound_, value)); }
// SQLITE_TRANSIENT makes sqlite3 copy the text.
void Query::bindOne(std::string_view value) {
  check(sqlite3_bind_text64(statement_, ++bound_, value.data() == nullptr ? "" : value.data(), value.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Query::bindOne(std::nullptr_t) { check(sqlite3_bind_null(statement_, ++bound_)); }

bool Query::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) fail(sqlite3_db_handle(statement_), path_);
  return false;
}

std::size_t Query::run() {
  while (next()) {
  }
  return static_cast<std::size_t>(sqlite3_changes64(sqlite3_db_handle(statement_)));
}

std::int64_t Query::number() {
  if (!next()) throw QueueError(Kind::failed, fmt::format("{}: an expected row is missing", path_));
  return integerAt(0);
}

bool Query::isNullAt(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Query::integerAt(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Query::textAt(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, sqlite3_column_bytes(statement_, column));
}

Session::Session(const std::string& path, IfMissing missing) : path_(resolved(path)) {
  countNoMemory();
  touch(path_, missing);
  sqlite3* db = nullptr;
  const int result =
      sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  if (result != SQLITE_OK) fail(db, path_);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, static_cast<int>(busyTimeout.count()));
  addFunctions(db);
}

/// Finds the statement without a comparison of texts, because this runs about ten times for an SMS.
sqlite3_stmt* Session::constant(const char* sql) {
  sqlite3_stmt*& known = constants_[sql];
  if (known == nullptr) known = prepared(sql);
  return known;
}

sqlite3_stmt* Session::prepared(std::string_view sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                           &statement, nullptr) != SQLITE_OK)
      fail(db_.get(), path_);
    known = statements_.emplace(std::string(sql), statement).first;
  }
  return known->second.get();
}

void Session::execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_.get(), path_);
}

bool Session::checkpoint(std::chrono::milliseconds patience) {
  sqlite3_busy_timeout(db_.get(), static_cast<int>(patience.count()));
  const int result =
      sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(db_.get(), static_cast<int>(busyTimeout.count()));
  return result == SQLITE_OK;
}

void Session::giveUpAfter(std::chrono::milliseconds patience) {
  constexpr int stepsBetweenLooks = 10'000;
  giveUpAt_ = std::chrono::steady_clock::now() + patience;
  sqlite3_progress_handler(
      db_.get(), stepsBetweenLooks,
      [](void* session) { return static_cast<Session*>(session)->gaveUp() ? 1 : 0; }, this);
}

void Session::leaveLogAlone() { sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Transaction::~Transaction() {
  if (state_ == State::done) return;
  try {
    session_.execute("ROLLBACK");
  } catch (const QueueError&) {
    // sqlite3 may have rolled back by itself after an error
  }
}

void Transaction::commit() {
  session_.execute("COMMIT");
  state_ = State::done;
}

}  // namespace smsd::queue::sqlite
