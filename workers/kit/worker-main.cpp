// SPDX-License-Identifier: GPL-3.0-or-later
// The main() that all worker programs share: reads the arguments and the configuration, takes over the socket
// from the supervisor or systemd.
#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>

#include "common/config/keys-json.h"
#include "common/config/yaml-tree.h"
#include "common/fault.h"
#include "common/files/regular-file.h"
#include "common/io/output.h"
#include "common/io/parse-exit.h"
#include "common/journal/journal.h"
#include "common/sandbox/sandbox.h"
#include "common/systemd/listener.h"
#include "common/text/utf.h"
#include "version.h"
#include "workers/kit/dispatcher.h"
#include "workers/kit/last-words.h"
#include "workers/kit/serve.h"

namespace smsd::kit {
namespace {

constexpr std::size_t maxConfigBytes = 1 << 20;  // more than the reader accepts: the reader reports that
static_assert(maxConfigBytes > config::maxYamlSize);

struct Arguments {
  std::string name = "worker";
  int channelFd = -1;
  int configFd = -1;
  std::string config;
  std::string configName;
  std::string supervisor;
  bool check = false;
  bool explain = false;
  bool json = false;
  bool secretsElsewhere = false;
  bool unlocked = false;
};

/// The socket to the supervisor, or the one at which supervisors connect, until the worker serves.
struct Sockets {
  int channel = -1;
  int listener = -1;
  std::vector<uid_t> welcome{};

  /// Sends the reason why this worker cannot serve.
  void say(std::string words) const {
    while (words.ends_with('\n')) words.pop_back();
    sayCannotStart(channel, words);
    sayCannotStart(listener, welcome, words);
  }
};

/// A fault that is found before the worker serves, with the exit status for it; what() describes it for the
/// operator.
class Misuse : public std::runtime_error {
 public:
  Misuse(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

void describeArguments(CLI::App& app, Arguments& arguments, const std::string& kind) {
  app.description(
      "The " + kind +
      " worker of smsd. smsd or systemd starts it; only --check and --explain are for use by hand.");
  app.add_option("--name", arguments.name, "the dispatcher's name, as in smsd.yaml");
  app.add_option("--channel-fd", arguments.channelFd, "connected socket to the supervisor");
  auto* fd = app.add_option("--config-fd", arguments.configFd, "descriptor to read the configuration from");
  app.add_option("--config", arguments.config,
                 "configuration file; default: the systemd credential `config`, if there is one")
      ->excludes(fd);
  app.add_option("--config-name", arguments.configName, "name of the configuration in messages");
  app.add_option("--supervisor", arguments.supervisor,
                 "the user of smsd, by name or number, who may connect to systemd's socket, as root and this "
                 "program's own user may");
  app.add_flag("--check", arguments.check, "check the configuration and exit");
  app.add_flag("--secrets-elsewhere", arguments.secretsElsewhere,
               "with --check: list secrets that this user cannot read, and report no error for them");
  app.add_flag("--explain", arguments.explain, "list the configuration keys and exit");
  app.add_flag("--json", arguments.json, "with --explain: as JSON");
  app.add_flag("--unlocked", arguments.unlocked, "serve even if the kernel cannot lock this process in");
  app.set_version_flag("--version", "smsd-worker-" + kind + " " SMSD_VERSION);
}

void useCredential(Arguments& arguments) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder != nullptr && arguments.config.empty() && arguments.configFd < 0)
    arguments.config = std::string(folder) + "/config";
}

/// Returns nothing if the reading fails, with the reason in errno: the part before a failure may be a valid
/// configuration, but another one.
std::optional<std::string> readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0 || text.size() > maxConfigBytes) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

/// Reads the configuration into `keys`. Returns a description of all problems, empty when there are none.
std::string readConfiguration(const Arguments& arguments, config::Keys& keys) {
  int fd = arguments.configFd;
  std::string name = arguments.configName.empty() ? arguments.config : arguments.configName;
  std::error_code why;
  if (!arguments.config.empty()) fd = files::openRegular(arguments.config, O_RDONLY, why);
  if (fd < 0)
    return name.empty() ? std::string("no configuration was given\n")
                        : fmt::format("{}: {}\n", name, why.message());
  // A relative path in the configuration means a credential in the same folder, even if --config-name names
  // another.
  const std::filesystem::path folder = std::filesystem::path(arguments.config).parent_path();
  const auto text = readAll(fd);
  const std::string failure = text ? "" : std::strerror(errno);
  close(fd);
  if (!text) return fmt::format("{}: cannot be read ({})\n", name, failure);
  auto problems = keys.read(*text, name, arguments.config.empty() ? "" : folder);
  return config::describe(problems);
}

void printKeys(const config::Keys& keys) {
  for (const auto& key : keys.explain())
    io::print(fmt::format("{:<20} {}{}\n{:<20} {}\n", key.key, key.type,
                          key.required               ? " (required)"
                          : key.defaultValue.empty() ? ""
                                                     : ", default " + key.defaultValue,
                          "", key.help));
}

void printKeysAsJson(const config::Keys& keys) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& key : keys.explain()) list.push_back(config::asJson(key));
  io::print(text::escapedJson(list.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
            "\n");
}

uid_t userNamed(const std::string& user) {
  uid_t number = 0;
  auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (error == std::errc() && end == user.data() + user.size()) return number;
  if (const passwd* entry = getpwnam(user.c_str())) return entry->pw_uid;
  throw Misuse(EX_NOUSER, fmt::format("--supervisor: there is no user {}\n", user));
}

/// The user ids that may connect. Called before the lock, because the user database cannot be read
/// afterwards.
std::vector<uid_t> welcome(const Arguments& arguments) {
  std::vector<uid_t> users = {0, geteuid()};
  if (!arguments.supervisor.empty()) users.push_back(userNamed(arguments.supervisor));
  return users;
}

int listener(const Arguments& arguments, const std::string& kind) {
  if (!systemd::wasHandedSockets())
    throw Misuse(EX_USAGE,
                 "nothing to serve: expected a start by smsd, with a connected socket (--channel-fd), or by "
                 "systemd, with a socket to listen on (LISTEN_FDS=1)\n");
  try {
    // Without FileDescriptorName= systemd gives the socket the name of its unit.
    return systemd::takeListener({arguments.name, fmt::format("smsd-{}@{}.socket", kind, arguments.name)});
  } catch (const systemd::ListenerError& e) {
    throw Misuse(EX_CONFIG, fmt::format("{}: {}\n", arguments.name, e.what()));
  }
}

int serve(const Arguments& arguments, Sockets& sockets, Dispatcher& dispatcher) {
  ServeOptions options{arguments.name, arguments.unlocked ? Lock::wanted : Lock::required};
  if (sockets.channel >= 0) return serveSupervisor(options, sockets.channel, dispatcher);
  return serveSocket(options, sockets.listener, sockets.welcome, dispatcher);
}

int run(Arguments& arguments, Sockets& sockets, Dispatcher& dispatcher) {
  const std::string kind = dispatcher.traits().kind;
  config::Keys keys;
  dispatcher.declare(keys);
  if (arguments.explain) {
    arguments.json ? printKeysAsJson(keys) : printKeys(keys);
    return EX_OK;
  }
  useCredential(arguments);
  std::vector<std::string> unread;
  if (arguments.check && arguments.secretsElsewhere) keys.tolerateUnread(unread);
  const std::string problems = readConfiguration(arguments, keys);
  for (const auto& key : unread)
    io::complain(fmt::format("{}: {}: its file is not checked, because this user cannot read it\n",
                             arguments.configName, key));
  io::complain(problems);
  if (arguments.check) return problems.empty() ? EX_OK : EX_CONFIG;
  if (sockets.channel < 0 && (problems.empty() || systemd::wasHandedSockets())) {
    sockets.listener = listener(arguments, kind);
    sockets.welcome = welcome(arguments);
  }
  if (problems.empty()) return serve(arguments, sockets, dispatcher);
  sockets.say(problems);
  return EX_CONFIG;
}

}  // namespace

int workerMain(int argc, char** argv, Dispatcher& dispatcher) {
  std::string kind = dispatcher.traits().kind;
  Arguments arguments;
  CLI::App app;
  describeArguments(app, arguments, kind);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int status = io::exitStatusOf(app, e);
    if (status != EX_OK) sayCannotStart(arguments.channelFd, e.what());
    return status;
  }
  journal::open("smsd-worker-" + kind);
  Sockets sockets{.channel = arguments.channelFd};
  std::string fault;
  try {
    sandbox::keepPrivate();  // before the configuration and the secrets it names are read
    return run(arguments, sockets, dispatcher);
  } catch (const Misuse& e) {
    io::complain(e.what());
    sockets.say(e.what());
    return e.status();
  } catch (const kj::Exception& e) {
    fault = faultOf(e);
  } catch (const std::exception& e) {
    fault = faultOf(e);
  }
  journal::Entry(journal::Level::error, fmt::format("{}: {}", arguments.name, fault)).write();
  sockets.say(fault);
  return EX_SOFTWARE;
}

}  // namespace smsd::kit
