// See sqlite-reserve.h.
#include "supervisor/queue/sqlite-reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace smsd::queue {
namespace {

constexpr std::uint64_t most = 16 << 20, least = 256 << 10;
// Less would not hold one batch of settlements.
constexpr std::uint64_t smallest = 64 << 10;

}  // namespace

Reserve::Reserve(const std::string& queue)
    : file_(queue + ".reserve"), bound_(std::clamp(available() / 4, least, most)) {}

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

bool Reserve::isRoomy() const { return available() + size() >= 2 * bound_; }
bool Reserve::worthATry() const { return available() >= smallest; }

void Reserve::make(Disk disk) const {
  if (size() > 0) return;
  const std::uint64_t free = available();
  if (disk == Disk::roomy && free < 2 * bound_) return;
  const std::uint64_t wanted = std::min(bound_, free / 2);
  if (wanted < smallest) return;
  const int fd = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return;
  struct stat status {};
  const bool ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
  if (ours && posix_fallocate(fd, 0, static_cast<off_t>(wanted)) != 0) unlink(file_.c_str());
  close(fd);
}

bool Reserve::giveUp() const { return size() > 0 && unlink(file_.c_str()) == 0; }

}  // namespace smsd::queue
