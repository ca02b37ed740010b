// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/config-keys/worker-keys.h"

#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <kj/vector.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "common/config/keys-json.h"
#include "supervisor/config/kinds.h"
#include "supervisor/config/worker-programs.h"
#include "supervisor/keeper/process.h"

namespace smsd::smsctl {
namespace {

constexpr kj::Duration PATIENCE = 10 * kj::SECONDS;
constexpr std::size_t mostBytes = 1 << 20;

/// Returns what the program printed, if that is not too long.
std::optional<std::string> printedTo(int output) {
  std::string text(mostBytes + 1, '\0');
  const ssize_t size = pread(output, text.data(), text.size(), 0);
  if (size < 0 || static_cast<std::size_t>(size) > mostBytes) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string notInstalled(const std::string& kind) {
  return fmt::format("its program {} is not installed: it is in the package smsd-{}", config::programOf(kind),
                     kind);
}

/// The program ends in time with a list of keys, or the file gets the reason why it has none.
kj::Promise<KeyFile> ask(kj::AsyncIoContext& io, const std::filesystem::path& program, KeyFile file) {
  auto output = kj::heap<kj::AutoCloseFd>(memfd_create("smsctl-keys", MFD_CLOEXEC));
  const auto fail = [&file, &program](const std::string& why) {
    file.problem = fmt::format("{}: {}", program.string(), why);
    return file;
  };
  if (output->get() < 0) return fail(std::system_category().message(errno));
  try {
    auto process =
        kj::heap<keeper::Process>(io.unixEventPort, keeper::Command{.program = program,
                                                                    .arguments = {"--explain", "--json"},
                                                                    .descriptors = {},
                                                                    .folder = {},
                                                                    .errors = output->get(),
                                                                    .output = output->get()});
    auto answered = process->ended().then(
        [file, program, fd = output->get()](const keeper::ProcessEnd& end) mutable -> KeyFile {
          const auto text = printedTo(fd);
          auto keys = end.clean() && text ? config::keysFromJson(*text) : std::nullopt;
          if (keys)
            file.keys = *std::move(keys);
          else
            file.problem = fmt::format("{} --explain --json does not list its keys: see its own manual",
                                       program.string());
          return file;
        });
    auto silent = io.provider->getTimer().afterDelay(PATIENCE).then([file, program]() mutable -> KeyFile {
      file.problem = fmt::format("{} --explain --json did not end within 10 seconds", program.string());
      return file;
    });
    return answered.exclusiveJoin(kj::mv(silent)).attach(kj::mv(process), kj::mv(output));
  } catch (const std::system_error& e) {
    return fail(e.code().message());
  }
}

}  // namespace

std::vector<config::DispatcherConfig> dispatchersOfAllKinds(const config::Config& config) {
  std::vector<config::DispatcherConfig> all;
  const auto add = [&](const config::DispatcherConfig& dispatcher) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& other) { return other.kind == dispatcher.kind; });
    if (!known && !config::problemOfKind(dispatcher.kind)) all.push_back(dispatcher);
  };
  for (const auto& dispatcher : config.dispatchers) add(dispatcher);
  for (const std::string& kind : config::knownKinds(config::workerFolders(config))) {
    config::DispatcherConfig dispatcher;
    dispatcher.name = dispatcher.kind = kind;
    add(dispatcher);
  }
  const auto& builtIn = config::builtInKinds();
  const auto rank = [&](const config::DispatcherConfig& dispatcher) {
    return std::find_if(builtIn.begin(), builtIn.end(),
                        [&](const auto& kind) { return kind.name == dispatcher.kind; });
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
  return all;
}

std::vector<KeyFile> askWorkers(const config::Config& config,
                                const std::vector<config::DispatcherConfig>& dispatchers) {
  const config::WorkerFolders folders = config::workerFolders(config);
  auto io = kj::setupAsyncIo();
  kj::Vector<kj::Promise<KeyFile>> answers;
  for (const auto& dispatcher : dispatchers) {
    KeyFile file{.kind = dispatcher.kind};
    if (auto problem = config::problemOfProgram(folders, dispatcher)) {
      file.installed = !config::isBuiltIn(dispatcher.kind) || !dispatcher.worker.empty();
      file.problem = file.installed ? *std::move(problem) : notInstalled(dispatcher.kind);
      answers.add(std::move(file));
    } else {
      answers.add(ask(io, config::findWorker(folders, dispatcher), std::move(file)));
    }
  }
  std::vector<KeyFile> files;
  for (auto& file : kj::joinPromises(answers.releaseAsArray()).wait(io.waitScope))
    files.push_back(std::move(file));
  return files;
}

}  // namespace smsd::smsctl
