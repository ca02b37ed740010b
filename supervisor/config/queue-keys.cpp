// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/queue-keys.h"

#include <optional>
#include <string>
#include <string_view>

namespace smsd::config {
namespace {

// libpq accepts `password = x`, sslpassword=x and postgresql://user:x@host alike.
bool holdsPassword(std::string_view connection) {
  constexpr std::string_view word = "password";
  for (std::size_t at = connection.find(word); at != std::string_view::npos;
       at = connection.find(word, at + 1)) {
    const std::size_t next = connection.find_first_not_of(" \t\n", at + word.size());
    if (next != std::string_view::npos && connection[next] == '=') return true;
  }
  const std::size_t scheme = connection.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = connection.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const std::size_t user = authority.rfind('@');
  return user != std::string_view::npos && authority.substr(0, user).find(':') != std::string_view::npos;
}

}  // namespace

void declareQueueKeys(Keys& keys, Config& config) {
  auto& queue = config.queue;
  keys.choice("queue.backend", queue.backend,
              {{"sqlite", Backend::sqlite}, {"postgresql", Backend::postgresql}},
              "the place of the queue: a file on this host, or NAV's database");
  keys.text("queue.postgresql.connection", queue.postgresql,
            "libpq's connection string, without a password (pg_hba peer, or a passfile)");
  keys.path("queue.sqlite.path", queue.sqlite, "the queue's file; smsd creates it if it does not exist");
  keys.duration("queue.poll_interval", queue.pollInterval, bounds::pollInterval,
                "how often smsd polls the queue if no notification comes");
  keys.duration("queue.lease", queue.lease, {1s, 10min}, "how long a silent supervisor keeps its claims");
  keys.integer("queue.mild_share", queue.mildShare, {0, 1000},
               "one SMS in this many is the oldest one instead of the most severe one; 0: none");
  keys.durationOr("never", "queue.expire_after", queue.expireAfter, {1s, std::chrono::days(365)},
                  "messages older than this are ignored instead of sent (NAV: autocancel)");
  keys.durationOr("never", "queue.keep_history", queue.keepHistory, {1h, std::chrono::days(3650)},
                  "how long smsd keeps its own record of each SMS and its result");
  keys.rule("queue.mild_share", [&queue]() -> std::optional<std::string> {
    if (queue.mildShare != 1) return std::nullopt;
    return "is 1, expected 0 or at least 2: with 1 the oldest would always be first, whatever its severity";
  });
  keys.rule("queue.postgresql.connection", [&queue]() -> std::optional<std::string> {
    if (holdsPassword(queue.postgresql))
      return "holds a password, expected none: name a file with passfile=..., or use peer authentication";
    if (queue.backend == Backend::postgresql && queue.postgresql.empty())
      return "is missing, expected because queue.backend is postgresql: for example \"host=/run/postgresql "
             "dbname=nav\"";
    return std::nullopt;
  });
}

}  // namespace smsd::config
