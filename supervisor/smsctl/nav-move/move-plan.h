// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of the move from NAV's smsd to this one, and of the way back, from the facts about a host.
//
// Owns the order of the steps, what each does, and which are done already. Called by the move. Pure: a table
// test has a host in each row. `start` comes after `take-out`, which removes NAV's smsd from the list, and
// after `gone`, which fails while a process of NAV's smsd runs; on the way back, `start-nav` comes after
// `ended`, which fails while smsd runs. Each step waits for the success of the one before it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/placing.h"
#include "supervisor/smsctl/run-program.h"

namespace smsd::smsctl::move {

/// A file to write, and whether it is in its place.
struct FileToWrite {
  FilePlace place;
  std::string content;  // may be a secret: never shown
  Placing state = Placing::missing;
};

struct MovedDispatcher {
  std::string name, kind;
  bool bySystemd = false;
  bool hasUnits = false;             // the units of its kind are installed
  std::vector<std::string> secrets;  // files in its folder that its own file names
};

struct HostFacts {
  std::filesystem::path navFolder, config;  // NAV's folder, the path of smsd.yaml
  enum class Existing { none, ofNav, ofAnother } existing = Existing::none;  // the smsd.yaml that is there
  std::vector<FileToWrite> files;  // of the import; smsd.yaml is the last
  std::vector<MovedDispatcher> dispatchers;
  std::vector<FileToWrite> dropIns;  // of systemd, for the secrets
  bool systemd = false;              // systemd runs, and smsd.service is installed
  bool hasTarget = false;            // smsd.target is installed
  bool smsdRuns = false;             // a program accepts connections at `controlSocket`
  bool unitsStarted = false;         // smsd.service and all sockets are enabled and active
  std::filesystem::path controlSocket = config::defaultControlSocket;
  /// The system user that owns the database; empty: NAV's role, over the network or with its password.
  std::string databaseOwner = "postgres";
  bool ownRole = true;              // smsd connects with a role of its own
  std::string daemonsFile;          // path of daemons.yml; empty: there is none
  std::vector<std::string> listed;  // names under which daemons.yml lists NAV's smsd
  bool listEditable = true;         // smsctl can take them out, or put them back
  bool takenOut = false;            // smsctl took them out before
  std::string nav;                  // path of the program `nav`; empty: not found
  std::vector<int> navSmsd;         // processes of NAV's smsd
  std::set<uid_t> navUsers;         // users whose processes can be NAV's smsd
  std::string testNumber;           // empty: no test SMS
};

enum class Deed {
  write,         // `files`
  run,           // `call`
  stopNav,       // `call` if it has words, then SIGTERM to what is left
  takeOut,       // edit daemons.yml
  putBack,       // the reverse
  confirmRuns,   // wait until a process of NAV's smsd is there
  confirmGone,   // wait until no process of NAV's smsd is left
  confirmEnded,  // wait until no program accepts connections at the control socket of smsd
  hint,          // a person may do it; the move goes on
  person,        // a person has to do it; the move ends here without a failure
  impossible,    // the move cannot go on
};

struct Step {
  std::string name;  // one word
  Deed deed = Deed::run;
  std::string shown;  // the command, or the action in words
  std::string why = {};
  bool done = false;  // nothing is left to do
  ProgramCall call = {};
  std::vector<FileToWrite> files = {};
};

/// Returns the units that the move enables and starts: the sockets of the workers, then smsd.service.
std::vector<std::string> unitsOf(const HostFacts& facts);

std::vector<Step> planMove(const HostFacts& facts);
std::vector<Step> planWayBack(const HostFacts& facts);

/// Returns the files of systemd that give the secrets of a dispatcher to its worker. `folder` is that of
/// units that an administrator writes.
std::vector<FileToWrite> dropInsOf(const std::vector<MovedDispatcher>& dispatchers,
                                   const std::filesystem::path& config, const std::filesystem::path& folder);

/// Compares the time zone that NAV writes smsq.time in with the connection of smsd. Returns advice; empty if
/// they agree, or if no message expires.
std::string timeZoneAdvice(const std::string& zone, const std::string& connection, bool expires);

}  // namespace smsd::smsctl::move
