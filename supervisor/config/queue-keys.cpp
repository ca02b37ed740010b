// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/queue-keys.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace smsd::config {
namespace {

bool isQueueName(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= 31 && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

struct Uri {
  std::string_view authority;  // user, password, hosts and ports
  std::string_view rest;       // from the first / on
};

/// Splits a URI where libpq does: all before the first / may be user and password, also behind a ?.
std::optional<Uri> uriIn(std::string_view connection) {
  const std::size_t scheme = connection.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view all = connection.substr(scheme + 3);
  std::size_t end = all.find('/');
  if (all.substr(0, end).find('@') == std::string_view::npos) end = all.find_first_of("/?");
  return Uri{all.substr(0, end), end == std::string_view::npos ? "" : all.substr(end)};
}

bool isPort(std::string_view port) {
  return port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
}

/// A URI that libpq reads in another way than it is meant: a password with a / ends up as port and database,
/// and libpq's messages quote them.
bool isOdd(const Uri& uri) {
  std::string_view hosts = uri.authority.substr(uri.authority.rfind('@') + 1);
  while (!hosts.empty()) {
    std::string_view one = hosts.substr(0, hosts.find(','));
    hosts.remove_prefix(std::min(one.size() + 1, hosts.size()));
    if (const auto bracket = one.rfind(']'); bracket != std::string_view::npos) one.remove_prefix(bracket);
    if (const auto colon = one.find(':'); colon != std::string_view::npos && !isPort(one.substr(colon + 1)))
      return true;
  }
  return uri.rest.substr(0, uri.rest.find('?')).find('@') != std::string_view::npos;
}

// libpq accepts `password = x`, sslpassword=x and postgresql://user:x@host alike.
bool holdsPassword(std::string_view connection) {
  constexpr std::string_view word = "password";
  for (std::size_t at = connection.find(word); at != std::string_view::npos;
       at = connection.find(word, at + 1)) {
    const std::size_t next = connection.find_first_not_of(" \t\n", at + word.size());
    if (next != std::string_view::npos && connection[next] == '=') return true;
  }
  const auto uri = uriIn(connection);
  if (!uri) return false;
  const std::size_t user = uri->authority.rfind('@');
  if (user != std::string_view::npos)
    return uri->authority.substr(0, user).find(':') != std::string_view::npos;
  return isOdd(*uri) && uri->rest.find('@') != std::string_view::npos;
}

}  // namespace

void declareQueueKeys(Keys& keys, Config& config) {
  auto& queue = config.queue;
  keys.text(
      "queue.backend", queue.backend,
      "the place of the queue: sqlite, a file on this host; postgresql, NAV's database; or the name of a "
      "queue of your own");
  keys.text("queue.postgresql.connection", queue.postgresql,
            "libpq's connection string, without a password (pg_hba peer, or a passfile)");
  keys.example("queue.postgresql.connection", "\"host=/run/postgresql dbname=nav user=smsd\"");
  keys.path("queue.sqlite.path", queue.sqlite, "the queue's file; smsd creates it if it does not exist");
  keys.path("queue.directory", queue.directory,
            "the folder of the queue of your own, smsd-queue-<backend>.so; default: as installed");
  keys.example("queue.directory", "/usr/local/lib/smsd/queues");
  keys.text("queue.connection", queue.connection,
            "the text that the queue of your own gets, without a password");
  keys.example("queue.connection", "/var/spool/gammu/outbox");
  keys.path("queue.connection_file", queue.connectionFile,
            "a file whose first line is this text, if it holds a password");
  keys.example("queue.connection_file", "/etc/smsd/queue-connection");
  keys.duration("queue.poll_interval", queue.pollInterval, bounds::pollInterval,
                "how often smsd polls the queue if no notification comes");
  keys.duration("queue.lease", queue.lease, {1s, 10min}, "how long a silent supervisor keeps its claims");
  keys.integer("queue.mild_share", queue.mildShare, {0, 1000},
               "one SMS in this many is the oldest one instead of the most severe one; 0: none");
  keys.durationOr("never", "queue.expire_after", queue.expireAfter, {1s, std::chrono::days(365)},
                  "messages older than this are ignored instead of sent (NAV: autocancel)");
  keys.example("queue.expire_after", "6h");
  keys.durationOr("never", "queue.keep_history", queue.keepHistory, {1h, std::chrono::days(3650)},
                  "how long smsd keeps its own record of each SMS and its result");
  keys.rule("queue.mild_share", [&queue]() -> std::optional<std::string> {
    if (queue.mildShare != 1) return std::nullopt;
    return "is 1, expected 0 or at least 2: with 1 the oldest would always be first, whatever its severity";
  });
  keys.rule("queue.backend", [&queue]() -> std::optional<std::string> {
    if (isQueueName(queue.backend)) return std::nullopt;
    return "is not a name, expected sqlite, postgresql, or the name of a queue of your own: a-z, 0-9 and -, "
           "beginning with a letter, at most 31 characters";
  });
  keys.rule("queue.connection", [&queue]() -> std::optional<std::string> {
    if (holdsPassword(queue.connection))
      return "holds a password, expected none: write the text into a file, and name it as "
             "queue.connection_file";
    if (!queue.connection.empty() && !queue.connectionFile.empty())
      return "is set, expected only one of it and queue.connection_file";
    return std::nullopt;
  });
  keys.rule("queue.postgresql.connection", [&queue]() -> std::optional<std::string> {
    if (holdsPassword(queue.postgresql))
      return "holds a password, expected none: name a file with passfile=..., or use peer authentication";
    if (const auto uri = uriIn(queue.postgresql); uri && isOdd(*uri))
      return "is a URI with a port that is no number, or with an @ after its host, expected "
             "postgresql://USER@HOST:PORT/DATABASE, without a password: name a file with passfile=..., or "
             "use "
             "peer authentication";
    if (queue.backend == "postgresql" && queue.postgresql.empty())
      return "is missing, expected because queue.backend is postgresql: for example \"host=/run/postgresql "
             "dbname=nav\"";
    return std::nullopt;
  });
}

Backend backendOf(const Config& config) {
  if (config.queue.backend == "sqlite") return Backend::sqlite;
  return config.queue.backend == "postgresql" ? Backend::postgresql : Backend::loaded;
}

}  // namespace smsd::config
