// SPDX-License-Identifier: GPL-3.0-or-later
// smsd.yaml as values. Owns the names, bounds, defaults and help of all its keys (config.cpp). Called by main
// and smsctl. Reads files, changes nothing; reports all problems at once.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/keys.h"
#include "common/journal/journal.h"
#include "supervisor/config/canary-keys.h"
#include "supervisor/config/flag-overrides.h"
#include "supervisor/config/intake-keys.h"
#include "supervisor/delivery/quota.h"
#include "supervisor/format/format.h"
#include "supervisor/pace/pace.h"

namespace smsd {
// Every room above this one writes its times in them.
using namespace std::chrono_literals;
using config::Milliseconds;
}  // namespace smsd

namespace smsd::config {

enum class Backend {
  postgresql,
  sqlite,
  loaded,  // a shared object of the administrator's own (queue/queue-object.h)
};
enum class Activation { socket, spawn };
enum class AtLimit { ignore, shutdown };
enum class WhenAllBroken { wait, shutdown };
enum class UnknownPolicy {
  resend,  // at least once: sent again, with the same key
  hold,    // at most once: waits for an operator
};
enum class RecipientInLog { masked, plain };
enum class SentInLog {
  counted,  // each SMS, but only their number beyond a hundred a second
  each,
};

/// The bounds of keys that also have a flag.
namespace bounds {
inline constexpr config::Bound<Milliseconds> pollInterval{100ms, 1h};
inline constexpr config::Bound<Milliseconds> retryDelay{100ms, 24h};
inline constexpr config::Bound<double> retryFactor{1, 10};
inline constexpr config::Bound<Milliseconds> retryMaxDelay{100ms, std::chrono::days(7)};
inline constexpr config::Bound<int> retryLimit{0, 1000};
inline constexpr config::Bound<Milliseconds> retryGiveUpAfter{0s, std::chrono::days(30)};
}  // namespace bounds

/// A policy for some severities; 1 is the most severe.
struct SeverityPolicy {
  int from = 1;
  int to = 1'000'000;
  UnknownPolicy policy = UnknownPolicy::resend;
  bool operator==(const SeverityPolicy&) const = default;
};

struct DispatcherConfig {
  std::string name;  // [a-z0-9][a-z0-9-]{0,30}
  std::string kind;  // a built-in one, or one with a program of its own: [a-z][a-z0-9-]{0,31}
  Activation activation = Activation::spawn;
  Milliseconds timeout = 30s;       // hard deadline of an attempt
  Milliseconds startTimeout = 30s;  // deadline for a worker to become ready
  std::filesystem::path config;  // default dispatchers/<name>.yaml beside smsd.yaml; absolute after reading
  std::filesystem::path socket;  // with Activation::socket; default /run/smsd/<name>.sock
  std::filesystem::path worker;  // the program; default smsd-worker-<kind>, see worker-programs.h
  std::optional<int> window;     // the most that its worker may claim, for a kind that is not built in
  std::vector<std::string> requireLock;  // parts that its worker's lock must have, see required-lock.h
  delivery::QuotaConfig quota;
  CanaryOverrides canary;
  bool operator==(const DispatcherConfig&) const = default;
};

/// Mail to the administrators: which journal entries, how often, and through which dispatcher of its own.
struct AdminMailConfig {
  std::string to;  // empty: no such mail
  journal::Level level = journal::Level::error;
  Milliseconds delay = 10s;       // how long the first entry waits for further ones
  Milliseconds interval = 10min;  // between two mails
  int lines = 20;
  DispatcherConfig worker = [] {
    DispatcherConfig mail;
    mail.name = mail.kind = "mail";
    mail.timeout = 60s;  // mail servers take time to check a mail before they accept it
    return mail;
  }();
  bool enabled() const { return !to.empty(); }
  bool operator==(const AdminMailConfig&) const = default;
};

/// A sign of life of another program, without which an alert is sent.
struct HeartbeatConfig {
  std::string name;  // [a-z0-9][a-z0-9-]{0,30}
  Milliseconds every = 5min;
  Milliseconds grace = 1min;
  std::string recipient;  // a number that no telephone has; empty: none
  std::string alertTo;
  int severity = 1;  // of the alert
  bool allClear = false;
  bool operator==(const HeartbeatConfig&) const = default;
};

inline constexpr const char* defaultControlSocket = "/run/smsd/operator/control.sock";
inline constexpr const char* defaultStatusSocket = "/run/smsd/status/status.sock";
/// The default of older versions: a configuration may name it, and an older daemon may listen there.
inline constexpr const char* formerControlSocket = "/run/smsd/control.sock";

struct Config {
  struct {
    std::string backend = "sqlite";  // postgresql, sqlite, or the name of a loaded one: [a-z][a-z0-9-]{0,30}
    std::string postgresql;          // libpq's connection string
    std::filesystem::path sqlite = "/var/lib/smsd/queue.db";
    std::filesystem::path directory;       // of the shared object of a loaded queue; default: as installed
    std::string connection;                // the text for a loaded queue, without a password
    std::filesystem::path connectionFile;  // a secret file with that text; empty: none
    Milliseconds pollInterval = 30s;
    Milliseconds lease = 30s;
    int mildShare = 8;  // one SMS in so many is the oldest; 0: never
    std::optional<Milliseconds> expireAfter;
    std::optional<Milliseconds> keepHistory = std::chrono::days(90);
  } queue;
  format::FormatRules formatting;
  pace::PaceRules pacing;
  struct {
    Milliseconds delay = 30s;
    double factor = 1.5;
    Milliseconds maxDelay = 1h;
    int limit = 5;
    std::optional<Milliseconds> giveUpAfter = 4h;
    AtLimit atLimit = AtLimit::ignore;
    WhenAllBroken allBroken = WhenAllBroken::wait;
    UnknownPolicy unknown = UnknownPolicy::resend;
    std::vector<SeverityPolicy> unknownBySeverity;  // the first matching entry decides instead of `unknown`
  } retry;
  struct {
    RecipientInLog recipient = RecipientInLog::masked;
    SentInLog sent = SentInLog::counted;
  } log;
  struct {
    Milliseconds late = 60s;
  } status;
  AdminMailConfig adminMail;
  CanaryConfig canary;
  std::vector<HeartbeatConfig> heartbeats;
  std::string country;  // digits; empty: not known
  IntakeConfig intake;
  std::filesystem::path groupsFile = "groups.yaml";
  std::vector<RecipientGroup> groups;  // of that file
  std::filesystem::path controlSocket = defaultControlSocket;
  /// Empty: there is none, because only `controlSocket` names another place than the default one.
  std::filesystem::path statusSocket = defaultStatusSocket;
  std::filesystem::path stateDirectory = "/var/lib/smsd";
  std::filesystem::path workersDirectory;  // of the administrator's own workers; empty: none
  Milliseconds stopTimeout = 20s;
  std::vector<DispatcherConfig> dispatchers;
};

/// Returns the paths at which the daemon of this configuration may listen: an older version, or one without
/// the folder of the default path, listens at formerControlSocket.
std::vector<std::filesystem::path> placesOf(const std::filesystem::path& controlSocket);

Backend backendOf(const Config& config);

/// Returns the policy for an SMS that may have been sent. Without a severity, `retry.unknown` decides.
UnknownPolicy unknownPolicy(const Config& config, std::optional<int> severity);

struct ConfigRead {
  Config config;
  std::vector<config::Problem> problems;      // empty: the configuration can be used
  std::map<std::string, std::string> places;  // file:line:column by key, for keys that are not in a list
};

/// The files that a reading checks.
enum class Reach {
  valuesOnly,       // smsctl: an operator need not be able to read the dispatchers' files
  dispatcherFiles,  // smsd: those files and the named worker programs must be usable as well
};

/// Relative paths in the file are relative to the file's folder. `overrides` win over the file.
ConfigRead readConfig(const std::filesystem::path& file, Reach reach, const Overrides& overrides = {});
std::vector<config::KeyHelp> explainConfig();
/// Returns all keys with their values in `config`, written as in the file. Lists are left out.
std::vector<std::pair<std::string, std::string>> valuesOf(const Config& config);

}  // namespace smsd::config
