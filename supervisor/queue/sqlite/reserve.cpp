// SPDX-License-Identifier: GPL-3.0-or-later
// See reserve.h.
#include "supervisor/queue/sqlite/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace smsd::queue::sqlite {
namespace {

constexpr std::uint64_t most = 16 << 20, least = 256 << 10;
// Less would not hold one batch of settlements.
constexpr std::uint64_t smallest = 64 << 10;

}  // namespace

Reserve::Reserve(const std::string& queue)
    : file_(queue + ".reserve"), bound_(std::clamp((available() + size()) / 4, least, most)) {}

std::uint64_t Reserve::available() const {
  struct statvfs disk {};
  const auto folder = std::filesystem::path(file_).parent_path();
  if (statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return 0;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::uint64_t Reserve::size() const {
  struct stat status {};
  return lstat(file_.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? std::uint64_t(status.st_size) : 0;
}

// A reserve of an earlier run may be larger than the bound. The surplus is no space for other programs.
bool Reserve::isRoomy() const { return available() + std::min(size(), bound_) >= 2 * bound_; }
bool Reserve::worthATry() const { return available() >= smallest; }

void Reserve::make(Disk disk) const {
  if (disk == Disk::roomy && !isRoomy()) return;
  const std::uint64_t before = size(), wanted = std::min(bound_, before + available() / 2);
  if (wanted < before + smallest) return;
  const int fd = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return;
  struct stat status {};
  const bool ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (ours && posix_fallocate(fd, 0, static_cast<off_t>(wanted)) != 0 &&
      ftruncate(fd, static_cast<off_t>(before)) != 0)
    unlink(file_.c_str());
  close(fd);
}

bool Reserve::giveUpSome() const {
  const std::uint64_t now = size(), part = std::max(bound_ / 4, smallest);
  if (now == 0) return false;
  return (now > part ? truncate(file_.c_str(), static_cast<off_t>(now - part)) : unlink(file_.c_str())) == 0;
}

}  // namespace smsd::queue::sqlite
