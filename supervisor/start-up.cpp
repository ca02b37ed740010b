#include "supervisor/start-up.h"

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

namespace smsd {
namespace {

namespace fs = std::filesystem;

fs::path ownFolder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

/// `worker:` where it is given; else beside smsd (a build, a container), else where an installation has them.
fs::path findWorker(const DispatcherConfig& dispatcher) {
  if (!dispatcher.worker.empty()) return dispatcher.worker;
  std::string program = "smsd-worker-" + dispatcher.kind;
  fs::path beside = ownFolder() / program;
  return access(beside.c_str(), X_OK) == 0 ? beside : fs::path(SMSD_LIBEXEC) / program;
}

std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

/// Empty: its file is good.
std::string checkOne(kj::AsyncIoContext& io, const keeper::SpawnPlan& plan) {
  kj::AutoCloseFd config(open(plan.config.c_str(), O_RDONLY | O_CLOEXEC));
  if (config.get() < 0) return fmt::format("{}: {}\n", plan.config.string(), strerror(errno));
  kj::AutoCloseFd errors(memfd_create("smsd-check", MFD_CLOEXEC));
  keeper::Command command = keeper::configuredCommand(plan, config.get());
  command.arguments.push_back("--check");
  command.errors = errors.get();
  try {
    keeper::Process process(io.unixEventPort, command);
    auto patience = io.provider->getTimer().timeoutAfter(10 * kj::SECONDS, process.ended());
    if (patience.wait(io.waitScope).clean()) return {};
  } catch (const std::system_error& e) {
    return fmt::format("{}: {}\n", plan.name, e.what());
  } catch (const kj::Exception&) {
    return fmt::format("{}: {} --check did not answer within 10 seconds\n", plan.name, plan.program.string());
  }
  lseek(errors.get(), 0, SEEK_SET);
  std::string said = readAll(errors.get());
  return said.empty() ? fmt::format("{}: {} --check failed without a word\n", plan.config.string(),
                                    plan.program.string())
                      : said;
}

/// Empty for one that systemd starts: it has its program and its file.
keeper::SpawnPlan planOne(const Config& config, const DispatcherConfig& dispatcher, std::string& problems) {
  if (dispatcher.activation == Activation::socket) return {};
  fs::path program = findWorker(dispatcher);
  if (access(program.c_str(), X_OK) != 0)
    problems += fmt::format(
        "dispatcher {}: its worker program {} is not there or cannot be executed ({}); install the package "
        "with "
        "the {} worker, or set `worker:` to where it is\n",
        dispatcher.name, program.string(), strerror(errno), dispatcher.kind);
  return {.program = program,
          .config = dispatcher.config,
          .name = dispatcher.name,
          .folder = config.stateDirectory};
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

std::vector<keeper::SpawnPlan> planWorkers(const Config& config) {
  std::vector<keeper::SpawnPlan> plans;
  std::string problems;
  for (const auto& dispatcher : config.dispatchers) plans.push_back(planOne(config, dispatcher, problems));
  if (!problems.empty()) throw StartUpError(EX_CONFIG, problems);
  return plans;
}

keeper::SpawnPlan planAdminMail(const Config& config) {
  std::string problems;
  auto plan = planOne(config, config.adminMail.worker, problems);
  if (!problems.empty()) throw StartUpError(EX_CONFIG, problems);
  return plan;
}

void checkDispatchers(kj::AsyncIoContext& io, const std::vector<keeper::SpawnPlan>& plans) {
  std::string problems;
  for (const auto& plan : plans)
    if (!plan.program.empty()) problems += checkOne(io, plan);
  if (!problems.empty()) throw StartUpError(EX_CONFIG, problems);
}

Instance takeInstance(const fs::path& stateDirectory) {
  std::error_code error;
  fs::create_directories(stateDirectory, error);
  fs::path path = stateDirectory / "instance";
  Instance instance;
  instance.lock = kj::AutoCloseFd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (instance.lock.get() < 0)
    throw StartUpError(EX_CANTCREAT,
                       fmt::format("{}: {}; `state_directory` has to be a folder that smsd can write to\n",
                                   path.string(), strerror(errno)));
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

}  // namespace smsd
