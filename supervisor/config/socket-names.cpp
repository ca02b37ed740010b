// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/socket-names.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <utility>

#include "supervisor/config/queue-names.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;
using config::Keys;
using config::Problem;

// control: for smsctl. status and intake: for programs that only read or only submit.
constexpr std::array<std::string_view, 3> ownSockets = {"control", "status", "intake"};

const char* kindOf(mode_t mode) {
  if (S_ISREG(mode)) return "a file";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a FIFO";
  return "a device";
}

// The path of a Unix socket has a fixed size; bind() would report only "Invalid argument", and much later.
std::optional<std::string> problemOfLength(const fs::path& socket) {
  const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  if (socket.native().size() <= most) return std::nullopt;
  return fmt::format("a path of {} bytes, expected at most {}", socket.native().size(), most);
}

std::optional<std::string> problemOfPlace(const fs::path& socket) {
  struct stat status {};
  if (lstat(socket.c_str(), &status) != 0 || S_ISSOCK(status.st_mode)) return std::nullopt;
  return fmt::format("{} is {}, expected a free path or a socket", socket.string(), kindOf(status.st_mode));
}

/// Rejects a socket that is one of the files that the queue has or will have.
std::optional<std::string> problemOfQueue(const Config& config, const fs::path& socket) {
  const auto files = filesOfQueue(config);
  if (std::find(files.begin(), files.end(), realPath(socket)) == files.end()) return std::nullopt;
  return fmt::format("{} is a file of the queue (queue.sqlite.path), expected a path of its own",
                     socket.string());
}

}  // namespace

std::optional<std::string> problemOfReservedName(std::string_view name) {
  if (std::find(ownSockets.begin(), ownSockets.end(), name) == ownSockets.end()) return std::nullopt;
  return fmt::format("is {}, expected another name: /run/smsd/{}.sock is a socket of smsd's own", name, name);
}

namespace {

/// A key that names a socket of smsd's own or of a worker.
struct NamedSocket {
  std::string key;
  fs::path socket;
  std::string name;  // of the dispatcher; empty: smsd's own
};

/// Returns the sockets in force: a worker that smsd starts has none, and admin_mail only if there is mail.
std::vector<NamedSocket> socketsOf(const Config& config) {
  std::vector<NamedSocket> sockets = {{"control.socket", config.controlSocket, ""}};
  if (!config.statusSocket.empty()) sockets.push_back({"status.socket", config.statusSocket, "status"});
  if (!config.intake.socket.empty()) sockets.push_back({"intake.socket", config.intake.socket, "intake"});
  const auto add = [&sockets](const std::string& key, const DispatcherConfig& dispatcher) {
    if (dispatcher.activation != Activation::socket) return;
    if (problemOfReservedName(dispatcher.name)) return;  // already reported
    sockets.push_back({key, dispatcher.socket, dispatcher.name});
  };
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i)
    add(fmt::format("dispatchers[{}].socket", i), config.dispatchers[i]);
  if (config.adminMail.enabled()) add("admin_mail.socket", config.adminMail.worker);
  return sockets;
}

/// Two names of one socket would be two connections to one worker, or one of smsd to itself.
std::vector<Problem> findEqualSockets(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  const auto sockets = socketsOf(config);
  for (auto one = sockets.begin(); one != sockets.end(); ++one) {
    const auto first = std::find_if(sockets.begin(), one,
                                    [&](const NamedSocket& other) { return other.socket == one->socket; });
    if (first != one && first->name != one->name)  // equal names are already reported
      problems.push_back(
          {keys.where(one->key), fmt::format("{}: {} is {} (at {}), expected a path of its own", one->key,
                                             one->socket.string(), first->key, keys.where(first->key))});
  }
  return problems;
}

}  // namespace

std::vector<Problem> checkSockets(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  for (const auto& [key, socket] :
       {std::pair("control.socket", config.controlSocket), std::pair("status.socket", config.statusSocket),
        std::pair("intake.socket", config.intake.socket)}) {
    if (socket.empty()) continue;
    for (auto& problem : {problemOfLength(socket), problemOfQueue(config, socket), problemOfPlace(socket)}) {
      if (!problem) continue;
      problems.push_back({keys.where(key), fmt::format("{}: {}", key, *problem)});
      break;
    }
  }
  const auto equal = findEqualSockets(keys, config);
  problems.insert(problems.end(), equal.begin(), equal.end());
  return problems;
}

}  // namespace smsd::config
