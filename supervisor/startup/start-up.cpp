// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/startup/start-up.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/files/regular-file.h"
#include "supervisor/config/worker-programs.h"

namespace smsd::startup {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t maxConfigBytes = 1 << 20;

std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

/// Returns a sealed copy in memory of a file as it is now. Throws std::system_error.
std::shared_ptr<kj::AutoCloseFd> snapshot(const fs::path& path) {
  auto fail = [&path]() { throw std::system_error(errno, std::generic_category(), path.string()); };
  std::error_code why;
  kj::AutoCloseFd file(files::openRegular(path, O_RDONLY, why));
  if (file.get() < 0) throw std::system_error(why, path.string());
  auto copy = std::make_shared<kj::AutoCloseFd>(memfd_create("smsd-config", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (copy->get() < 0) fail();
  char buffer[4096];
  // If the file is longer than a worker reads, the worker reports it.
  for (std::size_t size = 0; size <= maxConfigBytes;) {
    ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail();
    if (n == 0) break;
    if (write(copy->get(), buffer, static_cast<std::size_t>(n)) != n) fail();
    size += static_cast<std::size_t>(n);
  }
  if (fcntl(copy->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) fail();
  return copy;
}

std::string saidIn(int errors) {
  lseek(errors, 0, SEEK_SET);
  return readAll(errors);
}

std::string wordsOf(int errors, const keeper::SpawnPlan& plan) {
  std::string said = saidIn(errors);
  return said.empty() ? fmt::format("{}: {} --check failed and printed nothing\n", plan.config.string(),
                                    plan.program.string())
                      : said;
}

/// Without a file for the worker's errors, the mistakes in its configuration would be lost.
std::string noPlaceOf(const keeper::SpawnPlan& plan, int error) {
  return fmt::format(
      "dispatcher {}: its file was not checked, because the errors of {} cannot be stored ({}); start "
      "again later\n",
      plan.name, plan.program.string(), strerror(error));
}

std::string silenceOf(const keeper::SpawnPlan& plan, kj::Duration patience) {
  return fmt::format(
      "dispatcher {}: {} --check did not answer within {:g} seconds: this host is very busy, or the program "
      "hangs; start again later, and if this does not help, run `{} --check --config {}`\n",
      plan.name, plan.program.string(), static_cast<double>(patience / kj::MILLISECONDS) / 1000,
      plan.program.string(), plan.config.string());
}

kj::Promise<DispatcherProblems> checkOne(kj::AsyncIoContext& io, const keeper::SpawnPlan& plan,
                                         kj::Duration patience) {
  auto errors = kj::heap<kj::AutoCloseFd>(memfd_create("smsd-check", MFD_CLOEXEC));
  if (errors->get() < 0) return DispatcherProblems{"", noPlaceOf(plan, errno), ""};
  try {
    keeper::Command command = keeper::configuredCommand(plan);
    command.arguments.push_back("--check");
    if (plan.runs == keeper::SpawnPlan::Runs::elsewhere) command.arguments.push_back("--secrets-elsewhere");
    command.errors = errors->get();
    auto process = kj::heap<keeper::Process>(io.unixEventPort, command);
    auto answered =
        process->ended().then([plan, fd = errors->get()](keeper::ProcessEnd end) -> DispatcherProblems {
          if (end.clean()) return {"", "", saidIn(fd)};
          return {wordsOf(fd, plan), "", ""};
        });
    auto silent = io.provider->getTimer().afterDelay(patience).then([plan, patience]() -> DispatcherProblems {
      return {"", silenceOf(plan, patience), ""};
    });
    return answered.exclusiveJoin(kj::mv(silent)).attach(kj::mv(process), kj::mv(errors));
  } catch (const std::system_error& e) {
    return DispatcherProblems{fmt::format("{}: {}\n", plan.name, e.what()), "", ""};
  }
}

std::string problemOfProgram(const config::DispatcherConfig& dispatcher, const fs::path& program) {
  if (access(program.c_str(), X_OK) == 0) return "";
  return fmt::format(
      "dispatcher {}: its worker program {} is missing or cannot be executed ({}); install the package "
      "with the {} worker, or set `worker:` to its path\n",
      dispatcher.name, program.string(), strerror(errno), dispatcher.kind);
}

/// Plans the check for a dispatcher that systemd starts. If this user cannot read its file, that is no
/// problem, because its worker reads it.
keeper::SpawnPlan planElsewhere(const config::Config& config, const config::DispatcherConfig& dispatcher,
                                DispatcherProblems& found) {
  keeper::SpawnPlan plan{.program = config::findWorker(config::workerFolders(config), dispatcher),
                         .config = dispatcher.config,
                         .name = dispatcher.name,
                         .folder = config.stateDirectory,
                         .content = nullptr,
                         .runs = keeper::SpawnPlan::Runs::elsewhere};
  found.wrong += problemOfProgram(dispatcher, plan.program);
  try {
    plan.content = snapshot(dispatcher.config);
  } catch (const std::system_error& e) {
    found.unseen += fmt::format("{}; this file is not checked, because only its worker reads it\n", e.what());
  }
  return plan;
}

/// Returns an empty plan for a dispatcher that systemd starts: systemd has its program and its file.
keeper::SpawnPlan planOne(const config::Config& config, const config::DispatcherConfig& dispatcher,
                          std::string& problems) {
  if (dispatcher.activation == config::Activation::socket) return {};
  fs::path program = config::findWorker(config::workerFolders(config), dispatcher);
  problems += problemOfProgram(dispatcher, program);
  keeper::SpawnPlan plan{.program = program,
                         .config = dispatcher.config,
                         .name = dispatcher.name,
                         .folder = config.stateDirectory,
                         .content = nullptr,
                         .runs = keeper::SpawnPlan::Runs::here};
  try {
    plan.content = snapshot(dispatcher.config);
  } catch (const std::system_error& e) {
    problems += fmt::format("{}\n", e.what());
  }
  return plan;
}

std::string randomName() {
  unsigned char bytes[8];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    throw StartUpError(EX_OSERR, "no random numbers from the kernel");
  std::string name;
  for (unsigned char byte : bytes) name += fmt::format("{:02x}", byte);
  return name;
}

}  // namespace

std::vector<keeper::SpawnPlan> planWorkers(const config::Config& config) {
  std::vector<keeper::SpawnPlan> plans;
  std::string problems;
  for (const auto& dispatcher : config.dispatchers) plans.push_back(planOne(config, dispatcher, problems));
  if (!problems.empty()) throw StartUpError(EX_CONFIG, problems);
  return plans;
}

keeper::SpawnPlan planAdminMail(const config::Config& config) {
  std::string problems;
  auto plan = planOne(config, config.adminMail.worker, problems);
  if (!problems.empty()) throw StartUpError(EX_CONFIG, problems);
  return plan;
}

std::vector<keeper::SpawnPlan> withAdminMail(const config::Config& config,
                                             std::vector<keeper::SpawnPlan> plans) {
  if (config.adminMail.enabled()) plans.push_back(planAdminMail(config));
  return plans;
}

int DispatcherProblems::status() const {
  if (none()) return EX_OK;
  return wrong.empty() ? EX_TEMPFAIL : EX_CONFIG;
}

kj::Promise<DispatcherProblems> findDispatcherProblems(kj::AsyncIoContext& io,
                                                       const std::vector<keeper::SpawnPlan>& plans,
                                                       kj::Duration patience) {
  kj::Vector<kj::Promise<DispatcherProblems>> checks;
  for (const auto& plan : plans)
    if (!plan.program.empty()) checks.add(checkOne(io, plan, patience));
  return kj::joinPromises(checks.releaseAsArray()).then([](kj::Array<DispatcherProblems> all) {
    DispatcherProblems problems;
    for (auto& one : all) {
      problems.wrong += one.wrong;
      problems.silent += one.silent;
      problems.unseen += one.unseen;
    }
    return problems;
  });
}

void checkDispatchers(kj::AsyncIoContext& io, const std::vector<keeper::SpawnPlan>& plans,
                      kj::Duration patience) {
  auto problems = findDispatcherProblems(io, plans, patience).wait(io.waitScope);
  if (!problems.none()) throw StartUpError(problems.status(), problems.text());
}

std::string checkAll(kj::AsyncIoContext& io, const config::Config& config) {
  auto plans = withAdminMail(config, planWorkers(config));
  DispatcherProblems found;
  std::vector<const config::DispatcherConfig*> all;
  for (const auto& dispatcher : config.dispatchers) all.push_back(&dispatcher);
  if (config.adminMail.enabled()) all.push_back(&config.adminMail.worker);
  for (const auto* dispatcher : all) {
    if (dispatcher->activation != config::Activation::socket) continue;
    auto plan = planElsewhere(config, *dispatcher, found);
    if (plan.content != nullptr && access(plan.program.c_str(), X_OK) == 0) plans.push_back(std::move(plan));
  }
  auto problems = findDispatcherProblems(io, plans, CHECK_PATIENCE).wait(io.waitScope);
  problems.wrong = found.wrong + problems.wrong;
  if (!problems.none()) throw StartUpError(problems.status(), problems.text());
  return found.unseen + problems.unseen;
}

Checked checkDispatchersUnless(kj::Promise<void> told, kj::AsyncIoContext& io,
                               const std::vector<keeper::SpawnPlan>& plans) {
  auto found = findDispatcherProblems(io, plans)
                   .then([](DispatcherProblems all) { return kj::Maybe<DispatcherProblems>(std::move(all)); })
                   .exclusiveJoin(told.then([]() { return kj::Maybe<DispatcherProblems>(); }))
                   .wait(io.waitScope);
  KJ_IF_MAYBE (problems, found) {
    if (!problems->none()) throw StartUpError(problems->status(), problems->text());
    return Checked::good;
  }
  return Checked::toldToEnd;
}

Instance takeInstance(const fs::path& stateDirectory) {
  std::error_code error;
  fs::create_directories(stateDirectory, error);
  fs::path path = stateDirectory / "instance";
  Instance instance;
  instance.lock = kj::AutoCloseFd(files::openRegular(path, O_RDWR | O_CREAT, error));
  if (instance.lock.get() < 0)
    throw StartUpError(EX_CANTCREAT,
                       fmt::format("{}: {}; `state_directory` has to be a folder that smsd can write to\n",
                                   path.string(), error.message()));
  if (flock(instance.lock.get(), LOCK_EX | LOCK_NB) != 0)
    throw StartUpError(
        EX_TEMPFAIL,
        fmt::format("{}: another smsd runs with this state directory; stop it, or give this one its own "
                    "`state_directory`\n",
                    path.string()));
  instance.name = readAll(instance.lock.get());
  while (!instance.name.empty() && instance.name.back() == '\n') instance.name.pop_back();
  if (instance.name.empty()) {
    instance.name = randomName();
    std::string line = instance.name + "\n";
    if (write(instance.lock.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw StartUpError(EX_IOERR, fmt::format("{}: cannot write: {}\n", path.string(), strerror(errno)));
    fsync(instance.lock.get());
  }
  return instance;
}

}  // namespace smsd::startup
