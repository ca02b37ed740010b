// SPDX-License-Identifier: GPL-3.0-or-later
// See reserve.h.
#include "supervisor/queue/sqlite/reserve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "common/files/regular-file.h"

namespace smsd::queue::sqlite {
namespace {

constexpr std::uint64_t most = 16 << 20, least = 256 << 10;
// Less would not hold one batch of settlements.
constexpr std::uint64_t smallest = 64 << 10;

// The first bytes of each reserve. A file without them belongs to another program.
constexpr std::string_view mark =
    "smsd reserves this space for its queue, for the time when the disk is full: see smsd(8)\n";

OwnedFd open(const std::string& file, std::error_code& why) {
  return OwnedFd(files::openRegular(file, O_RDWR | O_NOFOLLOW, why));
}

struct stat statusOf(const OwnedFd& file) {
  struct stat status {};
  fstat(file.get(), &status);
  return status;
}

bool writeMark(const OwnedFd& file) {
  return pwrite(file.get(), mark.data(), mark.size(), 0) == static_cast<ssize_t>(mark.size());
}

// A file with a second name may belong to another program in spite of its content.
bool isOurs(const OwnedFd& file) {
  std::string found(mark.size(), '\0');
  return file.get() >= 0 && statusOf(file).st_nlink == 1 &&
         pread(file.get(), found.data(), found.size(), 0) == static_cast<ssize_t>(found.size()) &&
         found == mark;
}

/// Returns whether an earlier version of smsd, which wrote no mark, may have made the file: it holds zeros
/// only, so that nothing is lost if the file is another's.
bool isUnmarked(const std::string& name) {
  std::error_code why;
  const OwnedFd file = open(name, why);
  if (file.get() < 0) return false;
  const struct stat status = statusOf(file);
  if (status.st_nlink != 1 || (status.st_mode & 07777) != 0600 || std::uint64_t(status.st_size) > most)
    return false;
  const auto content = files::readRegular(name, most, why, O_NOFOLLOW);
  return content && content->find_first_not_of('\0') == std::string::npos;
}

}  // namespace

Reserve::Reserve(const std::string& queue) : file_(queue + ".reserve") {
  std::error_code why;
  if (isUnmarked(file_)) writeMark(open(file_, why));
  bound_ = std::clamp((available() + size()) / 4, least, most);
}

OwnedFd Reserve::ours() const {
  std::error_code why;
  OwnedFd file = open(file_, why);
  return isOurs(file) ? std::move(file) : OwnedFd();
}

std::string Reserve::problem() const {
  std::error_code why;
  const OwnedFd file = open(file_, why);
  const char* found = nullptr;
  if (file.get() >= 0)
    found = isOurs(file) ? nullptr : "another file";
  else if (why.category() != std::generic_category())
    found = "no regular file";
  else if (why == std::errc::too_many_symbolic_link_levels)
    found = "a symbolic link";
  else if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted)
    found = "a file that this user may not write";
  if (found == nullptr) return "";
  return fmt::format(
      "{}: expected the space that smsd reserves for a full disk, found {}: move it away; until then smsd "
      "reserves nothing, and cannot record results when the disk is full",
      file_, found);
}

std::uint64_t Reserve::available() const {
  struct statvfs disk {};
  const auto folder = std::filesystem::path(file_).parent_path();
  if (statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return 0;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::uint64_t Reserve::size() const {
  const OwnedFd file = ours();
  return file.get() < 0 ? 0 : static_cast<std::uint64_t>(statusOf(file).st_size);
}

// A reserve of an earlier run may be larger than the bound. The surplus is no space for other programs.
bool Reserve::isRoomy() const { return available() + std::min(size(), bound_) >= 2 * bound_; }
bool Reserve::worthATry() const { return available() >= smallest; }

/// Creates the file, unless there is any file at its path.
OwnedFd Reserve::create() const {
  OwnedFd file(::open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0 || writeMark(file)) return file;
  unlink(file_.c_str());
  return OwnedFd();
}

void Reserve::make(Disk disk) const {
  if (disk == Disk::roomy && !isRoomy()) return;
  const std::uint64_t before = size(), wanted = std::min(bound_, before + available() / 2);
  if (wanted < before + smallest) return;
  const OwnedFd file = before > 0 ? ours() : create();
  if (file.get() < 0 || posix_fallocate(file.get(), 0, static_cast<off_t>(wanted)) == 0) return;
  if (before == 0 || ftruncate(file.get(), static_cast<off_t>(before)) != 0) unlink(file_.c_str());
}

bool Reserve::giveUpSome() const {
  const OwnedFd file = ours();
  if (file.get() < 0) return false;
  const auto now = static_cast<std::uint64_t>(statusOf(file).st_size);
  const std::uint64_t part = std::max(bound_ / 4, smallest);
  return (now > part ? ftruncate(file.get(), static_cast<off_t>(now - part)) : unlink(file_.c_str())) == 0;
}

}  // namespace smsd::queue::sqlite
