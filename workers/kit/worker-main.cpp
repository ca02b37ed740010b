// The main() that all worker programs share: arguments, configuration, lock, socket, loop, end.
//
// In spawn mode the supervisor hands over a connected socket and the configuration as descriptors. The worker
// ends when that socket does: it outlives no supervisor. SIGINT and SIGTERM are the supervisor's business (a
// terminal or systemd sends them to the whole group): it drains its workers and then hangs up.
#include <fcntl.h>
#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "common/journal/journal.h"
#include "common/rpc/channel.h"
#include "version.h"
#include "workers/kit/dispatcher.h"
#include "workers/kit/server.h"
#include "workers/kit/visitors.h"

namespace smsd::kit {
namespace {

constexpr std::size_t maxConfigBytes = 1 << 20;

struct Arguments {
  std::string name = "worker";
  int channelFd = -1;
  int configFd = -1;
  std::string config;
  std::string configName;
  bool check = false;
  bool explain = false;
  bool unlocked = false;
};

void describeArguments(CLI::App& app, Arguments& arguments, const std::string& kind) {
  app.description("The " + kind +
                  " dispatcher of smsd. Started by smsd, not by hand, but for --check and --explain.");
  app.add_option("--name", arguments.name, "the dispatcher's name, as in smsd.yaml");
  app.add_option("--channel-fd", arguments.channelFd, "connected socket to the supervisor");
  auto* fd = app.add_option("--config-fd", arguments.configFd, "descriptor to read the configuration from");
  app.add_option("--config", arguments.config, "configuration file")->excludes(fd);
  app.add_option("--config-name", arguments.configName, "what to call the configuration in messages");
  app.add_flag("--check", arguments.check, "check the configuration and exit");
  app.add_flag("--explain", arguments.explain, "list the configuration keys and exit");
  app.add_flag("--unlocked", arguments.unlocked, "serve even where the kernel cannot lock this process in");
  app.set_version_flag("--version", "smsd-worker-" + kind + " " SMSD_VERSION);
}

std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || text.size() > maxConfigBytes) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

/// False: the problems were printed.
bool readConfiguration(const Arguments& arguments, config::Keys& keys) {
  int fd = arguments.configFd;
  std::string name = arguments.configName.empty() ? arguments.config : arguments.configName;
  if (!arguments.config.empty()) fd = open(arguments.config.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    std::cerr << fmt::format("{}: {}\n", name.empty() ? "no configuration was given" : name, strerror(errno));
    return false;
  }
  auto problems = keys.read(readAll(fd), name);
  close(fd);
  std::cerr << config::describe(problems);
  return problems.empty();
}

void printKeys(const config::Keys& keys) {
  for (const auto& key : keys.explain())
    std::cout << fmt::format("{:<20} {}{}\n{:<20} {}\n", key.key, key.type,
                             key.required               ? " (required)"
                             : key.defaultValue.empty() ? ""
                                                        : ", default " + key.defaultValue,
                             "", key.help);
}

std::vector<std::string> lockIn(const Arguments& arguments, Dispatcher& dispatcher) {
  try {
    return sandbox::lockIn(dispatcher.policy());
  } catch (const std::exception& e) {
    if (!arguments.unlocked) throw std::runtime_error(fmt::format("will not serve unlocked: {}", e.what()));
    journal::Entry(journal::Level::warning, fmt::format("{}: serves unlocked: {}", arguments.name, e.what()))
        .write();
    return {};
  }
}

/// Spawned: one connection, and its end is ours.
int serveSupervisor(int fd, kj::AsyncIoContext& io, kj::Own<Server> server) {
  auto stream = io.lowLevelProvider->wrapSocketFd(
      fd, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  auto hung = server->hung().then([]() { return int(EX_TEMPFAIL); });
  auto channel = rpc::Channel::serve(kj::mv(stream), kj::mv(server));
  return channel->disconnected()
      .then([]() { return int(EX_OK); })
      .exclusiveJoin(kj::mv(hung))
      .wait(io.waitScope);
}

/// Started by systemd at its socket: serves one supervisor after the other, until SIGTERM.
int serveSocket(kj::AsyncIoContext& io, kj::Own<Server> server) {
  Server& inner = *server;
  Visitors visitors(io.lowLevelProvider->wrapListenSocketFd(SD_LISTEN_FDS_START,
                                                            kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP),
                    inner, kj::mv(server));
  sd_notify(0, "READY=1");
  auto hung = inner.hung().then([]() { return int(EX_TEMPFAIL); });
  auto told = io.unixEventPort.onSignal(SIGTERM).then([&inner](siginfo_t) {
    sd_notify(0, "STOPPING=1");
    return inner.finishUp().then([]() { return int(EX_OK); });
  });
  return told.exclusiveJoin(kj::mv(hung))
      .exclusiveJoin(visitors.failed().then([]() { return int(EX_OSERR); }))
      .wait(io.waitScope);
}

int serve(const Arguments& arguments, Dispatcher& dispatcher) {
  bool spawned = arguments.channelFd >= 0;
  if (!spawned) kj::UnixEventPort::captureSignal(SIGTERM);
  for (int ignored : {SIGINT, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);
  if (spawned) signal(SIGTERM, SIG_IGN);
  auto lock = lockIn(arguments, dispatcher);
  auto io = kj::setupAsyncIo();
  auto server = kj::heap<Server>(dispatcher, io.provider->getTimer(), std::move(lock), dispatcher.start(io));
  return spawned ? serveSupervisor(arguments.channelFd, io, kj::mv(server)) : serveSocket(io, kj::mv(server));
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
    return app.exit(e) == 0 ? EX_OK : EX_USAGE;
  }
  try {
    journal::open("smsd-worker-" + kind);
    config::Keys keys;
    dispatcher.declare(keys);
    if (arguments.explain) {
      printKeys(keys);
      return EX_OK;
    }
    if (!readConfiguration(arguments, keys)) return EX_CONFIG;
    if (arguments.check) return EX_OK;
    if (arguments.channelFd < 0 && sd_listen_fds(1) != 1) {
      std::cerr << "nothing to serve: a worker is started by smsd, which hands it a socket (--channel-fd), "
                   "or by systemd, which "
                   "hands it one to listen on (LISTEN_FDS=1)\n";
      return EX_USAGE;
    }
    return serve(arguments, dispatcher);
  } catch (const kj::Exception& e) {
    journal::Entry(journal::Level::error, fmt::format("{}: {}", arguments.name, e.getDescription().cStr()))
        .write();
  } catch (const std::exception& e) {
    journal::Entry(journal::Level::error, fmt::format("{}: {}", arguments.name, e.what())).write();
  }
  return EX_SOFTWARE;
}

}  // namespace smsd::kit
