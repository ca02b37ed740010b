// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/files/replace-file.h"

#include <fcntl.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "common/files/regular-file.h"

namespace smsd::files {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, std::error_code why) {
  throw std::system_error(why, file.string());
}
[[noreturn]] void fail(const fs::path& file) { fail(file, {errno, std::generic_category()}); }

void writeAll(int fd, const std::string& text, const fs::path& file) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) fail(file);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

void syncFolder(const fs::path& folder) {
  kj::AutoCloseFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) fail(folder);
}

}  // namespace

void replaceFile(const fs::path& file, const std::string& text, std::optional<mode_t> mode) {
  const fs::path fresh = file.string() + ".new";
  std::error_code why;
  kj::AutoCloseFd fd(openRegular(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, why));
  if (fd.get() < 0) fail(fresh, why);
  try {
    if (mode && fchmod(fd.get(), *mode) != 0) fail(fresh);
    writeAll(fd.get(), text, fresh);
    if (fsync(fd.get()) != 0) fail(fresh);
    if (rename(fresh.c_str(), file.c_str()) != 0) fail(file);
  } catch (const std::system_error&) {
    unlink(fresh.c_str());
    throw;
  }
  syncFolder(file.has_parent_path() ? file.parent_path() : ".");
}

}  // namespace smsd::files
