// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/command.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "common/fault.h"
#include "workers/command/once.h"
#include "workers/command/serve.h"

namespace smsd::command {
namespace {

using Serves = Settings::Serves;

constexpr int mostWindowOfWorker = 256, mostBacklog = 4096;
/// With `mode: once`. Each SMS has a minder, a program, and the processes that the program starts; with seven
/// in all they stay below TasksMax= of the unit, 512.
constexpr int mostProgramsAtOnce = 64;
constexpr std::uint16_t nameServicePort = 53;  // over TCP, when an answer is too long for UDP
/// Files that one program keeps open in the worker: three, and three more until the starter has them.
constexpr std::uint64_t filesOfProgram = 6;
/// How long the starter may take to end all programs.
constexpr std::chrono::milliseconds patienceWithStarter = std::chrono::seconds(4);

std::optional<std::string> problemOfPaths(const std::vector<std::string>& paths) {
  for (auto& path : paths)
    if (!path.starts_with('/')) return "expected paths that begin with /";
  return std::nullopt;
}

/// Waits until the starter has ended all programs and itself.
void waitForEnd(int socket) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + patienceWithStarter;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    pollfd open{socket, POLLIN, 0};
    if (left.count() <= 0 || (::poll(&open, 1, static_cast<int>(left.count())) <= 0 && errno != EINTR))
      return;
    char bytes[256];
    if (::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) == 0) return;
  }
}

}  // namespace

CommandDispatcher::~CommandDispatcher() noexcept(false) {
  if (socket_ >= 0) ::close(socket_);
}

void CommandDispatcher::declare(config::Keys& keys) {
  keys.path("program", settings_.program, "the program, as a path that begins with /",
            config::Presence::required);
  keys.example("program", "/usr/local/lib/smsd/send.py");
  keys.texts("arguments", settings_.arguments,
             "the arguments of the program, each as it is written: no shell reads them");
  keys.example("arguments", "[--gateway, pager.example.org]");
  keys.choice("mode", settings_.mode, {{"serve", Serves::always}, {"once", Serves::once}},
              "serve: the program is started once, and gets SMS as lines of JSON; once: it is started for "
              "each SMS, and its exit status is the outcome",
              config::Presence::required);
  keys.example("mode", "once");
  declareReach(keys);
  secrets_.declare(keys);
  keys.integer("window", settings_.window, {1, mostWindowOfWorker},
               "SMS that the program has at once: the most with `mode: serve`, where the program may ask for "
               "fewer, and the number of programs, at most 64, with `mode: once`");
  keys.integer("backlog", settings_.backlog, {0, mostBacklog}, "SMS accepted ahead of the window");
  keys.integer("memory", settings_.memory, {16, 65536}, "MiB of private memory that one process may take");
  keys.flag("knows_keys", settings_.knowsKeys,
            "the gateway drops a second SMS with the same idempotency key, so that an unknown SMS can be "
            "sent again; with `mode: serve` the first line of the program has it instead");
  declareRules(keys);
}

void CommandDispatcher::declareReach(config::Keys& keys) {
  keys.choice("runtime", settings_.runtime,
              {{"static", Runtime::fixed},
               {"native", Runtime::native},
               {"shell", Runtime::shell},
               {"python", Runtime::python},
               {"perl", Runtime::perl}},
              "the files that the program needs to run at all. " + explainRuntimes());
  keys.texts("executable", settings_.executable, "further programs that may be executed and read");
  keys.example("executable", "[/usr/bin/curl]");
  keys.texts("readable", settings_.readable, "files and folders that may be read");
  keys.example("readable", "[/usr/local/lib/smsd/pager]");
  keys.texts("devices", settings_.devices, "devices that may be opened, beside /dev/null");
  keys.example("devices", "[/dev/ttyUSB0]");
  keys.choice("network", settings_.network,
              {{"none", sandbox::Network::none}, {"outbound", sandbox::Network::outbound}},
              "none, or outbound: TCP and UDP clients, and lookups of names");
  keys.integers("connect_ports", settings_.connectPorts, {1, 65535},
                "the TCP ports that may be connected to, beside that of DNS; if empty, any");
  keys.example("connect_ports", "[443]");
}

void CommandDispatcher::declareRules(config::Keys& keys) {
  keys.rule("program", [this]() -> std::optional<std::string> {
    if (settings_.program.is_absolute()) return std::nullopt;
    return "expected a path that begins with /";
  });
  keys.rule("executable", [this] { return problemOfPaths(settings_.executable); });
  keys.rule("readable", [this] { return problemOfPaths(settings_.readable); });
  keys.rule("devices", [this] { return problemOfPaths(settings_.devices); });
  keys.rule("connect_ports", [this]() -> std::optional<std::string> {
    if (settings_.connectPorts.empty() || settings_.network == sandbox::Network::outbound)
      return std::nullopt;
    return "expected `network: outbound` with it";
  });
  keys.rule("window", [this]() -> std::optional<std::string> {
    if (settings_.mode != Serves::once || settings_.window <= mostProgramsAtOnce) return std::nullopt;
    return fmt::format("is {}, expected at most {} with `mode: once`, because each SMS then takes processes",
                       settings_.window, mostProgramsAtOnce);
  });
  keys.rule("knows_keys", [this]() -> std::optional<std::string> {
    if (!settings_.knowsKeys || settings_.mode == Serves::once) return std::nullopt;
    return "expected in the first line of the program, because the mode is serve";
  });
}

sandbox::Policy CommandDispatcher::policyOfPrograms(const std::filesystem::path& secrets) const {
  sandbox::Policy policy;
  policy.openFiles = 1024;
  policy.memory = static_cast<std::uint64_t>(settings_.memory) << 20;
  policy.executable = {settings_.program};
  for (auto& path : settings_.executable) policy.executable.emplace_back(path);
  for (auto& path : settings_.readable) policy.readable.emplace_back(path);
  for (auto& path : secrets_.files()) policy.readable.push_back(path);
  if (!secrets.empty()) policy.readable.push_back(secrets);
  policy.devices = {"/dev/null"};
  for (auto& path : settings_.devices) policy.devices.emplace_back(path);
  allowRuntime(settings_.runtime, policy);
  policy.network = settings_.network;
  if (policy.network == sandbox::Network::outbound)
    for (auto& path : sandbox::resolverAndCertificates()) policy.readable.push_back(path);
  for (int port : settings_.connectPorts) policy.connectPorts.push_back(static_cast<std::uint16_t>(port));
  if (!policy.connectPorts.empty()) policy.connectPorts.push_back(nameServicePort);
  return policy;
}

sandbox::Policy CommandDispatcher::policy() {
  std::error_code why;
  if (!std::filesystem::is_regular_file(settings_.program, why))
    throw Explained("`program` " + settings_.program.string() + " is not a file that can be started" +
                    (why ? ": " + why.message() : ""));
  ProgramSpec spec{.program = settings_.program,
                   .arguments = settings_.arguments,
                   .environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
                   .policy = {},
                   .removable = {},
                   .most = settings_.mode == Serves::once ? static_cast<unsigned>(settings_.window) : 1};
  if (!secrets_.empty()) {
    spec.removable = secrets_.make();
    spec.environment.push_back("CREDENTIALS_DIRECTORY=" + spec.removable.string());
  }
  spec.policy = policyOfPrograms(spec.removable);
  try {
    socket_ = forkStarter(spec);
  } catch (...) {
    if (!spec.removable.empty()) std::filesystem::remove_all(spec.removable, why);
    throw;
  }
  const auto window = static_cast<std::uint64_t>(settings_.window);
  return {.openFiles = 64 + filesOfProgram * window, .memory = (64 + window) << 20};
}

kj::Promise<void> CommandDispatcher::start(kj::AsyncIoContext& io) {
  starter_ = std::make_unique<StarterClient>(io, std::exchange(socket_, -1));
  if (settings_.mode == Serves::once)
    mode_ = std::make_unique<OnceMode>(io, *starter_, secrets_.hiding());
  else
    mode_ = std::make_unique<ServeMode>(io, *starter_, secrets_.hiding(),
                                        static_cast<unsigned>(settings_.window));
  return mode_->start();
}

kit::Traits CommandDispatcher::traits() const {
  kit::Traits traits{.kind = "command",
                     .window = static_cast<unsigned>(settings_.window),
                     .backlog = static_cast<unsigned>(settings_.backlog),
                     .knowsKeys = settings_.knowsKeys};
  if (mode_) mode_->describe(traits);
  return traits;
}

kj::Promise<kit::Condition> CommandDispatcher::health() {
  return mode_->health().then([this](kit::Condition condition) {
    condition.details.emplace_back("program", settings_.program.string());
    condition.details.emplace_back("last end", mode_->lastEnd());
    return condition;
  });
}

kj::Promise<std::string> CommandDispatcher::spent() {
  auto starterGone =
      starter_->gone().then([]() { return std::string("the process that starts programs has ended"); });
  return mode_->spent().exclusiveJoin(kj::mv(starterGone)).then([this](std::string why) {
    spentSaid_ = true;
    return why;
  });
}

void CommandDispatcher::stop() noexcept {
  if (!starter_) return;
  mode_.reset();  // closes the streams of all programs
  const int socket = ::dup(spentSaid_ ? starter_->socket() : starter_->leave());
  starter_.reset();
  ::shutdown(socket, SHUT_WR);  // after the last order, the end
  waitForEnd(socket);
  ::close(socket);
}

}  // namespace smsd::command
