// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/nav-move/host-look.h"

#include <kj/io.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>

#include "common/files/process-files.h"

namespace smsd::smsctl::move {
namespace {

namespace fs = std::filesystem;

bool isThere(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool hasUnit(const std::string& unit) {
  static constexpr std::array folders = {"/etc/systemd/system", "/run/systemd/system",
                                         "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                         "/lib/systemd/system"};
  return std::ranges::any_of(folders, [&](const char* folder) { return isThere(fs::path(folder) / unit); });
}

std::vector<std::string> wordsOf(const fs::path& commandLine) {
  const std::string text = files::contentOf(commandLine);
  std::vector<std::string> words;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\0', from), text.size());
    words.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

std::string nameOf(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// A Python script: the interpreter, perhaps options, the script. Ours is no script, so it is not meant.
bool isNavSmsd(const std::vector<std::string>& words) {
  if (words.empty() || !nameOf(words[0]).starts_with("python")) return false;
  const auto script = std::find_if(words.begin() + 1, words.end(),
                                   [](const std::string& word) { return !word.starts_with('-'); });
  return script != words.end() && (nameOf(*script) == "smsd" || nameOf(*script) == "smsd.py");
}

/// Returns the effective user of a process. The owner of its folder is root if the process wants that.
std::optional<uid_t> userOf(const fs::path& status) {
  std::ifstream file(status);
  for (std::string word; file >> word;) {
    uid_t real = 0, effective = 0;
    if (word == "Uid:" && file >> real >> effective) return effective;
  }
  return std::nullopt;
}

}  // namespace

bool systemdRuns() { return isThere("/run/systemd/system") && hasUnit("smsd.service"); }

bool hasTarget() { return hasUnit("smsd.target"); }

bool hasUnits(const std::string& kind) {
  return hasUnit("smsd-" + kind + "@.socket") && hasUnit("smsd-" + kind + "@.service");
}

std::string localSocketFolder(const std::string& host, const std::string& port) {
  static constexpr std::array here = {"", "localhost", "127.0.0.1", "::1"};
  std::string folder = host;
  if (std::ranges::find(here, host) != here.end()) folder = "/run/postgresql";
  if (!folder.starts_with('/') || !isThere(fs::path(folder) / (".s.PGSQL." + port))) return "";
  return folder;
}

bool listensAt(const fs::path& socketPath) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socketPath.string();
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.get() >= 0 && connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

NavProcesses navSmsdProcesses(const std::set<uid_t>& users) {
  NavProcesses found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    int pid = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (wrong != std::errc() || end != name.data() + name.size()) continue;
    if (!isNavSmsd(wordsOf(entry.path() / "cmdline"))) continue;
    const auto user = userOf(entry.path() / "status");
    if (user) (users.contains(*user) ? found.ofNav : found.ofOthers).push_back(pid);
  }
  return found;
}

std::set<uid_t> usersOfNav(const std::string& user, const fs::path& navFolder) {
  std::set<uid_t> users = {0};
  if (const passwd* found = getpwnam(user.c_str())) users.insert(found->pw_uid);
  struct stat status {};
  if (stat(navFolder.c_str(), &status) == 0) users.insert(status.st_uid);
  return users;
}

}  // namespace smsd::smsctl::move
