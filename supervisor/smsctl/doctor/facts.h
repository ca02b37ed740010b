// SPDX-License-Identifier: GPL-3.0-or-later
// The facts that `smsctl doctor` judges: one struct for each source. The look-at-*.cpp fill them, the
// check-*.cpp judge them. Nothing in them is a secret.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/config/referenced-files.h"
#include "supervisor/queue/installation.h"

namespace smsd::smsctl::doctor {

/// The user as whom smsd runs.
struct ServiceUser {
  std::string name = {};  // empty: it does not exist
  uid_t id = 0;
  std::string group = {};  // its own, in which no other user should be; empty: not known
};

struct FileFacts {
  enum class Role {
    config,          // smsd.yaml
    configFolder,    // its folder, and that of the dispatchers' files
    dispatcherFile,  // its keys
    secret,          // named by a dispatcher's file
    passwordFile,    // of libpq
    stateFolder,
    socketFolder,        // of a socket of smsd
    workerSocketFolder,  // of the sockets that systemd listens at
    queueFile,
    queueFolder,
  };
  Role role = Role::config;
  std::filesystem::path path = {};
  bool there = false;
  bool hidden = false;  // this user cannot look there
  uid_t owner = 0;
  std::string ownerName = {};
  std::string groupName = {};
  mode_t mode = 0;
  bool reachable = true;              // every user can pass the folders above it
  bool holdsPassword = false;         // with Role::config
  bool readBySystemd = false;         // smsd itself need not read it
  std::optional<bool> readable = {};  // by the user of smsd; none: not known
  std::optional<bool> writable = {};  // a state folder that is not there: smsd can make it
};

/// A dispatcher in smsd.yaml, and what its own file names.
struct DispatcherFacts {
  std::string name = {}, kind = {};
  bool bySystemd = false;
  bool ofAdminMail = false;  // sends no SMS, and smsd does not report it
  std::filesystem::path file = {}, socket = {}, program = {};
  bool programWorks = true;
  std::vector<std::string> requiredLock = {};
  bool fileRead = false;  // false: this user cannot read its file, and the rest is not known
  std::vector<config::NamedFile> named = {};
  std::filesystem::path device = {};
};

/// The result of the checks that `smsctl config check` makes, as the user of smsd.
struct ConfigCheckFacts {
  bool done = false;
  std::vector<std::string> problems = {}, unseen = {};
};

struct UnitFacts {
  std::string name = {};
  bool installed = false;
  std::string active = {}, enabled = {}, result = {};
  bool needsReload = false;
  std::vector<std::string> dropIns = {};
  std::map<std::string, std::string> properties = {};
  std::map<std::string, std::filesystem::path> credentials = {};  // name to source
  std::set<std::string> missingSources = {};  // names of credentials whose source is not there
  int mainPid = 0;
};

struct SystemdFacts {
  bool runs = false;
  bool ofThisConfig = false;   // smsd.service starts smsd with the configuration that is examined
  bool targetEnabled = false;  // smsd.target starts smsd.service at the boot
  std::vector<UnitFacts> units = {};
};

struct DaemonFacts {
  enum class Answer { yes, notRunning, denied, silent, inDoubt } answer = Answer::notRunning;
  std::string words = {};  // why it did not answer
  std::string version = {};
  int pid = 0;
  std::vector<std::string> troubles = {};
  struct Dispatcher {
    std::string name = {}, kind = {}, reason = {}, software = {};
    bool broken = false;
    bool resting = false;
    bool ready = false;
    int pid = 0;
    bool lockKnown = false;
    std::vector<std::string> lock = {};
  };
  std::vector<Dispatcher> dispatchers = {};
};

struct QueueFacts {
  enum class State {
    fine,
    notLooked,
    notThere,
    gone,
    damaged,
    unreachable,
    denied,
    notInstalled
  } state = State::fine;
  std::string words = {};
  bool isPostgresql = false;
  std::string role = {};  // of the database; empty: libpq takes the name of the user
  queue::Installation found = {};
  std::string strain = {};  // as the running smsd reports it
};

struct OthersFacts {
  std::filesystem::path navFolder = {};
  bool navThere = false;
  std::vector<std::string> listed = {};  // in NAV's daemons.yml
  std::vector<int> processes = {};       // of NAV's smsd
  std::string zone = {};                 // TIME_ZONE of nav.conf; empty: not known
};

struct SocketFacts {
  std::filesystem::path path = {};
  std::string dispatcher = {};  // empty: one of smsd's own
  bool there = false, listening = false;
  bool hidden = false;  // this user cannot look there
  mode_t mode = 0;
  std::string groupName = {};
  std::string folderGroup = {};  // that its folder gives to files in it; empty: none
};

struct DeviceFacts {
  std::string dispatcher = {};
  std::filesystem::path path = {};
  bool there = false;
  bool hidden = false;  // this user cannot look there
  struct Holder {
    int pid = 0;
    std::string program = {};
  };
  std::vector<Holder> holders = {};  // without the worker of the dispatcher
  bool allSeen = true;               // false: processes of other users may hold it
};

struct CertificateFacts {
  std::string dispatcher = {}, key = {};
  std::filesystem::path path = {};
  bool read = false;
  std::optional<std::chrono::sys_seconds> expires = {};
};

struct ClockFacts {
  std::chrono::sys_seconds now{};
  std::optional<std::chrono::sys_seconds> configWritten = {};
  std::optional<bool> synchronised = {};                // none: not for this host to say
  std::optional<std::chrono::milliseconds> ahead = {};  // the database's clock, of this host's
};

struct DiskFacts {
  std::filesystem::path path = {};
  std::uint64_t bytes = 0, freeBytes = 0;
  std::uint64_t inodes = 0, freeInodes = 0;
};

struct ProcessFacts {
  int pid = 0;
  std::string dispatcher = {};  // empty: smsd itself
  bool seen = false;
  std::optional<int> noNewPrivs = {}, seccomp = {};
  std::optional<bool> coreAllowed = {};  // its limit of core dumps is not 0
};

/// Everything at once.
struct Facts {
  std::filesystem::path config = {};
  bool isRoot = false;
  ServiceUser user = {};
  ConfigCheckFacts check = {};
  std::vector<FileFacts> files = {};
  std::vector<DispatcherFacts> dispatchers = {};
  SystemdFacts systemd = {};
  DaemonFacts daemon = {};
  QueueFacts queue = {};
  bool expires = false;  // queue.expire_after is set
  OthersFacts others = {};
  std::vector<SocketFacts> sockets = {};
  std::vector<DeviceFacts> devices = {};
  std::vector<CertificateFacts> certificates = {};
  ClockFacts clock = {};
  std::vector<DiskFacts> disks = {};
  std::vector<ProcessFacts> processes = {};
  std::string corePattern = {};
};

}  // namespace smsd::smsctl::doctor
