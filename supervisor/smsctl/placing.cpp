// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/placing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <kj/io.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "common/files/regular-file.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostFileBytes = 1024 * 1024;

struct FileOwner {
  uid_t user = 0;
  gid_t group = 0;
  mode_t mode = 0;
  bool operator==(const FileOwner&) const = default;
};

[[noreturn]] void cannotPlace(const fs::path& file, int error) {
  throw CommandError(EX_CANTCREAT, fmt::format("{}: {}; it is as it was", file.string(), strerror(error)));
}

const passwd& userOfSmsd() {
  const passwd* found = getpwnam("smsd");
  if (found == nullptr)
    throw CommandError(EX_NOUSER,
                       "there is no user smsd: run systemd-sysusers, or useradd --system --home-dir "
                       "/var/lib/smsd smsd");
  return *found;
}

FileOwner idsOf(Owner owner) {
  switch (owner) {
    case Owner::readableBySmsd:
      return {0, userOfSmsd().pw_gid, 0640};
    case Owner::smsd:
      return {userOfSmsd().pw_uid, userOfSmsd().pw_gid, 0600};
    case Owner::everybody:
      return {0, 0, 0644};
  }
  return {};
}

FileOwner idsOf(const struct stat& found) {
  return {found.st_uid, found.st_gid, static_cast<mode_t>(found.st_mode & 07777)};
}

void writeAll(int fd, const std::string& content, const fs::path& file) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t n = write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno != EINTR) cannotPlace(file, errno);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

/// A new file beside `file`, complete and with its owner, which takes the place of `file` when it is renamed,
/// so that a reader finds the old file or the new one. Removed if it is not renamed.
class SideFile {
 public:
  SideFile(fs::path file, const std::string& content, const FileOwner& ids)
      : file_(std::move(file)),
        aside_(fmt::format(".{}.{}", file_.filename().string(), getpid())),
        folder_(open(file_.parent_path().c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
    if (folder_.get() < 0) cannotPlace(file_.parent_path(), errno);
    kj::AutoCloseFd fd(
        openat(folder_.get(), aside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) cannotPlace(file_, errno);
    try {
      writeAll(fd.get(), content, file_);
      if (fchown(fd.get(), ids.user, ids.group) != 0) cannotPlace(file_, errno);
      if (fchmod(fd.get(), ids.mode) != 0 || fsync(fd.get()) != 0) cannotPlace(file_, errno);
    } catch (const CommandError&) {
      unlinkat(folder_.get(), aside_.c_str(), 0);
      throw;
    }
  }
  ~SideFile() {
    if (!renamed_) unlinkat(folder_.get(), aside_.c_str(), 0);
  }
  SideFile(const SideFile&) = delete;
  SideFile& operator=(const SideFile&) = delete;

  void rename() {
    if (renameat(folder_.get(), aside_.c_str(), folder_.get(), file_.filename().c_str()) != 0)
      cannotPlace(file_, errno);
    renamed_ = true;
    fsync(folder_.get());
  }

 private:
  fs::path file_;
  std::string aside_;
  kj::AutoCloseFd folder_;
  bool renamed_ = false;
};

void refuseLink(const fs::path& file) {
  std::error_code error;
  const auto status = fs::symlink_status(file, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw CommandError(EX_CANTCREAT, fmt::format("{}: is a link or no file; move it away, because smsctl "
                                                 "follows no link",
                                                 file.string()));
}

void makeFolder(const fs::path& folder, Owner owner) {
  std::error_code error;
  if (fs::is_directory(fs::symlink_status(folder, error))) return;
  if (!folder.parent_path().empty() && folder.parent_path() != folder)
    makeFolder(folder.parent_path(), Owner::everybody);
  const fs::path above = folder.has_parent_path() ? folder.parent_path() : ".";
  const std::string name = folder.filename();
  kj::AutoCloseFd parent(open(above.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (parent.get() < 0 || mkdirat(parent.get(), name.c_str(), 0700) != 0) cannotPlace(folder, errno);
  kj::AutoCloseFd made(openat(parent.get(), name.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (made.get() < 0) cannotPlace(folder, errno);
  const FileOwner ids = idsOf(owner);
  const mode_t mode = owner == Owner::everybody ? 0755 : 0750;
  if (fchown(made.get(), ids.user, ids.group) != 0 || fchmod(made.get(), mode) != 0)
    cannotPlace(folder, errno);
}

Owner folderOwner(Owner ofFile) {
  return ofFile == Owner::everybody ? Owner::everybody : Owner::readableBySmsd;
}

}  // namespace

FilePlace placeOf(const std::string& name, const fs::path& folder) {
  if (name.ends_with(".pgpass")) return {folder / name, Owner::smsd};
  if (name == "smsd.yaml" || name == "groups.yaml") return {folder / name, Owner::readableBySmsd};
  return {folder / "dispatchers" / name, Owner::readableBySmsd};
}

std::string describe(Owner owner) {
  switch (owner) {
    case Owner::readableBySmsd:
      return "root:smsd, mode 0640";
    case Owner::smsd:
      return "smsd:smsd, mode 0600";
    case Owner::everybody:
      return "root:root, mode 0644";
  }
  return "";
}

Placing look(const FilePlace& place, const std::string& content) {
  struct stat found {};
  if (lstat(place.path.c_str(), &found) != 0) return errno == ENOENT ? Placing::missing : Placing::differs;
  std::error_code error;
  const auto text = files::readRegular(place.path, mostFileBytes + 1, error, O_NOFOLLOW);
  if (!text || *text != content) return Placing::differs;
  return idsOf(found) == idsOf(place.owner) ? Placing::inPlace : Placing::wrongOwner;
}

void put(const FilePlace& place, const std::string& content) { putAll({{place, content}}); }

void refuseLinks(const std::vector<FileToPut>& files) {
  for (const auto& file : files) refuseLink(file.place.path);
}

void putAll(const std::vector<FileToPut>& files) {
  std::vector<std::string> installed;
  try {
    refuseLinks(files);
    for (const auto& file : files) makeFolder(file.place.path.parent_path(), folderOwner(file.place.owner));
    std::vector<std::unique_ptr<SideFile>> written;
    for (const auto& file : files)
      written.push_back(std::make_unique<SideFile>(file.place.path, file.content, idsOf(file.place.owner)));
    for (std::size_t i = 0; i < files.size(); ++i) {
      written[i]->rename();
      installed.push_back(files[i].place.path.string());
    }
  } catch (const CommandError& error) {
    if (files.size() == 1) throw;
    throw CommandError(
        error.status(),
        fmt::format("{}\n{}\n", error.what(),
                    installed.empty() ? "nothing was installed"
                                      : fmt::format("installed before: {}", fmt::join(installed, ", "))));
  }
}

void writeLike(const fs::path& model, const fs::path& path, const std::string& content) {
  refuseLink(model);
  refuseLink(path);
  struct stat found {};
  if (lstat(model.c_str(), &found) != 0) cannotPlace(model, errno);
  SideFile(path, content, idsOf(found)).rename();
}

void shareWithSmsd(const fs::path& folder) {
  const FileOwner ids = idsOf(Owner::readableBySmsd);
  if (chown(folder.c_str(), ids.user, ids.group) != 0 || chmod(folder.c_str(), 0750) != 0)
    cannotPlace(folder, errno);
}

bool isThere(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

std::string readWhole(const fs::path& path) {
  std::error_code error;
  auto text = files::readRegular(path, mostFileBytes + 1, error, O_NOFOLLOW);
  if (!text)
    throw CommandError(EX_NOINPUT, fmt::format("{}: cannot be read ({})", path.string(),
                                               error == std::errc::too_many_symbolic_link_levels
                                                   ? "it is a link, and smsctl follows none"
                                                   : error.message()));
  if (text->size() > mostFileBytes)
    throw CommandError(EX_DATAERR,
                       fmt::format("{}: is larger than 1 MiB, expected a configuration file", path.string()));
  return std::move(*text);
}

}  // namespace smsd::smsctl
