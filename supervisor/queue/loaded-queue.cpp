// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/loaded-queue.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/text/utf.h"
#include "supervisor/queue/guarded-queue.h"
#include "supervisor/queue/object-trial.h"
#include "supervisor/queue/queue-object.h"

namespace smsd::queue {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& what) { throw QueueError(QueueError::Kind::notInstalled, what); }

fs::path fileOf(const LoadedQueue& which) { return which.folder / ("smsd-queue-" + which.name + ".so"); }

/// Returns why another user could replace `path`; empty: none can.
std::string openTo(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return fmt::format("belongs to the user {}, expected root", status.st_uid);
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
    return fmt::format("can be written by other users than its owner (mode {:04o})", status.st_mode & 07777);
  return {};
}

/// Refuses `file` if another user could replace it, or one of the folders above `path`.
void checkOwners(const fs::path& file, const fs::path& path) {
  std::error_code ignored;
  for (fs::path part = path; !part.empty(); part = part.parent_path()) {
    if (const std::string why = openTo(part); !why.empty())
      refuse(
          fmt::format("{}: not loaded, because {} {}: its code would run in smsd, so only root may be able "
                      "to change it (chown root:root, chmod go-w)",
                      file.string(), fs::is_directory(part, ignored) ? part.string() : "it", why));
    if (part == part.root_path()) break;
  }
}

/// Checks the file that a symbolic link leads to, and the folder of the link.
fs::path safe(const LoadedQueue& which) {
  const fs::path file = fileOf(which);
  std::error_code missing;
  const fs::path real = fs::canonical(file, missing);
  if (missing)
    refuse(
        fmt::format("{}: {}; queue.backend is {}, neither sqlite nor postgresql, so smsd needs the queue of "
                    "this name there: install its "
                    "package, or name its folder as queue.directory",
                    file.string(), missing.message(), which.name));
  if (!fs::is_regular_file(real)) refuse(fmt::format("{}: not a regular file", file.string()));
  checkOwners(file, real);
  checkOwners(file, fs::absolute(file).parent_path());
  return real;
}

/// Tries an object that is not loaded yet in a process of its own first.
void* load(const fs::path& file) {
  const auto cannot = [&file](const std::string& why) {
    refuse(
        fmt::format("{}: cannot be loaded: {}; install it again and what it needs, or build it again for "
                    "this smsd",
                    file.string(), why));
  };
  if (access(file.c_str(), R_OK) != 0) cannot(std::strerror(errno));
  if (void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)) return handle;
  if (const std::string problem = problemOfLoading(file); !problem.empty()) cannot(problem);
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) cannot(reasonNotLoaded(dlerror()));
  return handle;
}

/// Returns the object, whose version is checked. dlopen() returns the same one each time.
const QueueObject& loaded(const LoadedQueue& which) {
  const fs::path file = safe(which);
  void* handle = load(file);
  const auto* object = static_cast<const QueueObject*>(dlsym(handle, queueSymbol));
  if (object == nullptr)
    refuse(fmt::format("{}: no queue for smsd: it exports no {} (see SMSD_QUEUE in smsd-queue(7))",
                       file.string(), queueSymbol));
  if (object->api != queueApi)
    refuse(
        fmt::format("{}: written for version {} of the queue's source API, and this smsd has version {}: "
                    "install the version of it that is made for this smsd",
                    file.string(), object->api, queueApi));
  if (object->interface == nullptr || object->open == nullptr ||
      std::string_view(object->interface) != queueInterface)
    refuse(fmt::format(
        "{}: built for another smsd or by another compiler ({}; this smsd: {}): build it again "
        "with the smsd-dev of this smsd",
        file.string(), object->interface == nullptr ? "nothing" : text::printable(object->interface, 200),
        queueInterface));
  return *object;
}

}  // namespace

void checkLoaded(const LoadedQueue& which) { loaded(which); }

std::unique_ptr<Queue> openLoaded(const LoadedQueue& which) {
  const QueueObject& object = loaded(which);
  auto queue = guardedCall(which.name, "open", [&] { return object.open(which.connection); });
  if (queue == nullptr) refuse(fmt::format("{}: returned no queue", fileOf(which).string()));
  return guarded(std::move(queue), which.name);
}

InstallReport installLoaded(const LoadedQueue& which, const InstallOptions& options) {
  const QueueObject& object = loaded(which);
  if (object.install == nullptr)
    refuse(
        fmt::format("the queue {} has nothing that smsctl could install: its own documentation describes "
                    "what it needs",
                    which.name));
  return guardedCall(which.name, "install", [&] { return object.install(which.connection, options); });
}

}  // namespace smsd::queue
