// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/new-files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannotWrite(const fs::path& file, int error) {
  throw CommandError(EX_CANTCREAT,
                     fmt::format("{}: {}; nothing was written", file.string(), strerror(error)));
}

/// Adds the file to `written` as soon as it exists.
void writeNew(const fs::path& file, const NewFile& wanted, std::vector<fs::path>& written) {
  kj::AutoCloseFd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) cannotWrite(file, errno);
  written.push_back(file);
  for (std::size_t done = 0; done < wanted.content.size();) {
    const ssize_t n = write(fd.get(), wanted.content.data() + done, wanted.content.size() - done);
    if (n < 0 && errno != EINTR) cannotWrite(file, errno);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  if (fchmod(fd.get(), wanted.mode) != 0) cannotWrite(file, errno);
}

}  // namespace

void writeAllNew(const fs::path& output, const std::vector<NewFile>& files) {
  std::error_code error;
  for (const auto& file : files)
    if (fs::exists(fs::symlink_status(output / file.path, error)))
      throw CommandError(
          EX_CANTCREAT,
          fmt::format("{}: exists already; nothing was written, name another folder with --output",
                      (output / file.path).string()));
  for (const auto& file : files) {
    fs::create_directories((output / file.path).parent_path(), error);
    if (error) cannotWrite((output / file.path).parent_path(), error.value());
  }
  std::vector<fs::path> written;
  try {
    for (const auto& file : files) writeNew(output / file.path, file, written);
  } catch (const CommandError&) {
    for (const auto& file : written) fs::remove(file, error);
    throw;
  }
}

}  // namespace smsd::smsctl
