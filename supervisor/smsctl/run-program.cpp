// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/run-program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <kj/io.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/io/output.h"
#include "common/text/shell.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

constexpr std::array folders = {
    "/usr/local/sbin", "/usr/local/bin",     "/usr/sbin",         "/usr/bin", "/sbin", "/bin",
    "/opt/nav/bin",    "/opt/venvs/nav/bin", "/usr/local/nav/bin"};

fs::path self() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

std::optional<fs::path> executable(const fs::path& path) {
  if (access(path.c_str(), X_OK) == 0) return path;
  return std::nullopt;
}

/// A user as it was looked up before the fork.
struct UserIdentity {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

UserIdentity identityOf(const std::string& user) {
  const passwd* found = getpwnam(user.c_str());
  if (found == nullptr) throw CommandError(EX_NOUSER, fmt::format("there is no user {}", user));
  if (geteuid() != 0 && geteuid() != found->pw_uid)
    throw CommandError(EX_NOPERM, fmt::format("only root can act as the user {}", user));
  return {user, found->pw_uid, found->pw_gid};
}

/// Gives up the terminal, so that this process cannot type into it (TIOCSTI).
bool leaveTerminal() {
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) != STDIN_FILENO) return false;
  if (nothing != STDIN_FILENO) close(nothing);
  return setsid() >= 0;
}

/// libpq takes defaults from the environment, and root's are not meant for another user.
void dropDefaultsOfRoot() {
  std::vector<std::string> names = {"HOME"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (variable.starts_with("PG")) names.emplace_back(variable.substr(0, variable.find('=')));
  }
  for (const auto& name : names) unsetenv(name.c_str());
}

bool become(const UserIdentity& who) {
  if (geteuid() != 0) return true;
  return leaveTerminal() && initgroups(who.name.c_str(), who.group) == 0 && setgid(who.group) == 0 &&
         setuid(who.user) == 0 && chdir("/") == 0;
}

int ended(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return EX_OSERR;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t forked() {
  io::flush();  // otherwise both processes would print what waits
  const pid_t child = fork();
  if (child < 0) throw CommandError(EX_OSERR, fmt::format("no process can be started: {}", strerror(errno)));
  return child;
}

}  // namespace

std::string typed(const ProgramCall& call) {
  std::string line = call.user.empty() ? "" : "runuser -u " + text::shellWord(call.user) + " --";
  for (const auto& word : call.words) line += (line.empty() ? "" : " ") + text::shellWord(word);
  return line;
}

std::optional<fs::path> findProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return executable(name);
  if (name == "smsctl") return self();
  if (name == "smsd") {
    if (auto beside = executable(self().parent_path() / "smsd")) return beside;
    return executable(self().parent_path().parent_path() / "sbin" / "smsd");
  }
  for (const char* folder : folders)
    if (auto found = executable(fs::path(folder) / name)) return found;
  return std::nullopt;
}

namespace {

/// Starts the program, with `output` as its standard output unless that is -1. Returns its exit status.
int runInto(int output, const ProgramCall& call) {
  const auto program = findProgram(call.words.at(0));
  if (!program) throw CommandError(EX_UNAVAILABLE, fmt::format("there is no program {}", call.words.at(0)));
  std::optional<UserIdentity> who;
  if (!call.user.empty()) who = identityOf(call.user);
  std::vector<std::string> words = call.words;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
              lang = "LANG=C.UTF-8";
  std::array<char*, 3> environment = {path.data(), lang.data(), nullptr};
  const pid_t child = forked();
  if (child == 0) {
    if (output >= 0 && dup2(output, STDOUT_FILENO) < 0) _exit(EX_OSERR);
    if (!who || become(*who)) execve(program->c_str(), arguments.data(), environment.data());
    _exit(EX_OSERR);
  }
  return ended(child);
}

}  // namespace

int run(const ProgramCall& call) { return runInto(-1, call); }

std::optional<std::string> outputOf(const ProgramCall& call) {
  const kj::AutoCloseFd output(memfd_create("smsctl-output", MFD_CLOEXEC));
  if (output.get() < 0 || !findProgram(call.words.at(0))) return std::nullopt;
  if (runInto(output.get(), call) != EX_OK) return std::nullopt;
  lseek(output.get(), 0, SEEK_SET);
  return kj::FdInputStream(output.get()).readAllText().cStr();
}

pid_t start(const std::string& user, const std::function<int()>& act) {
  std::optional<UserIdentity> who;
  if (!user.empty()) who = identityOf(user);
  const pid_t child = forked();
  if (child != 0) return child;
  if (who) {
    if (!become(*who)) _exit(EX_OSERR);
    dropDefaultsOfRoot();
  }
  const int status = act();
  io::flush();
  _exit(status);
}

int runAs(const std::string& user, const std::function<int()>& act) {
  if (geteuid() == identityOf(user).user) return act();
  return ended(start(user, act));
}

}  // namespace smsd::smsctl
