// SPDX-License-Identifier: GPL-3.0-or-later
// A throw-away PostgreSQL server: initdb, postgres, and their end. See cluster.h.
#include "tests/queue/cluster.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace smsd::queue {

namespace fs = std::filesystem;

namespace {

constexpr int port = 5432;  // only the name of the socket in our own folder

/// The newest server that is installed; Debian keeps it off the PATH.
fs::path findPrograms() {
  fs::path best;
  int newest = -1;
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const std::string name = version.path().filename();
    int number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number > newest && fs::exists(version.path() / "bin" / "initdb")) {
      newest = number;
      best = version.path() / "bin";
    }
  }
  if (newest < 0) throw std::runtime_error("no PostgreSQL server below /usr/lib/postgresql");
  return best;
}

const passwd* serverUser() {
  if (geteuid() != 0) return nullptr;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr)
    throw std::runtime_error("PostgreSQL does not run as root, and there is no user postgres");
  return user;
}

/// In the child: another user, the parent's death is ours, output to a file. Never returns.
[[noreturn]] void become(const passwd* user, const fs::path& output, const std::vector<std::string>& command,
                         pid_t parent) {
  int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  if (user != nullptr && (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
                          setuid(user->pw_uid) != 0))
    _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it
  if (getppid() != parent || chdir("/") != 0) _exit(126);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

pid_t spawn(const fs::path& output, const std::vector<std::string>& command) {
  const passwd* user = serverUser();
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) become(user, output, command, parent);
  return child;
}

}  // namespace

Cluster& Cluster::shared() {
  static Cluster cluster;
  return cluster;
}

Cluster::Cluster() : programs_(findPrograms()) {
  std::string pattern = (fs::temp_directory_path() / "smsd-postgresql-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  folder_ = pattern;
  const passwd* user = serverUser();
  if (user != nullptr && chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("chown " + pattern);
  try {
    initialise();
    start();
  } catch (...) {
    if (server_ > 0) kill(server_, SIGKILL);
    fs::remove_all(folder_);
    throw;
  }
}

Cluster::~Cluster() {
  kill(server_, SIGQUIT);
  waitpid(server_, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string Cluster::connection(const std::string& database, const std::string& user) const {
  return "host=" + folder_.string() + " port=" + std::to_string(port) + " dbname=" + database +
         " user=" + user;
}

void Cluster::initialise() {
  pid_t initdb = spawn(folder_ / "log", {programs_ / "initdb", "-D", folder_ / "data", "-U", "postgres", "-A",
                                         "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"});
  int status = 0;
  if (waitpid(initdb, &status, 0) != initdb || status != 0) throw std::runtime_error("initdb: " + log());
  std::ofstream(folder_ / "data" / "postgresql.conf", std::ios::app)
      << "listen_addresses = ''\nunix_socket_directories = '" << folder_.string() << "'\nport = " << port
      << "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 50\nautovacuum "
         "= off\n"
      << "timezone = 'Europe/Oslo'\n";
}

void Cluster::start() {
  server_ = spawn(folder_ / "log", {programs_ / "postgres", "-D", folder_ / "data"});
  awaitReady();
}

void Cluster::awaitReady() {
  for (auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
       std::chrono::steady_clock::now() < until;) {
    int status = 0;
    if (waitpid(server_, &status, WNOHANG) == server_) {
      server_ = -1;
      break;
    }
    if (PQping(connection("postgres").c_str()) == PQPING_OK) return;
    poll(nullptr, 0, 20);  // between two questions; readiness itself is what is waited for
  }
  throw std::runtime_error("postgres did not start: " + log());
}

std::string Cluster::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ / "log").rdbuf();
  return text.str();
}

}  // namespace smsd::queue
