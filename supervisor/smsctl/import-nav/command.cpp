// SPDX-License-Identifier: GPL-3.0-or-later
// The command around importNav(): reads NAV's folder, writes the files, prints notes and tasks.
#include <fcntl.h>
#include <fmt/format.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/files/regular-file.h"
#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/smsctl/import-nav/import-nav.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostBytes = 1024 * 1024;

std::optional<std::string> read(const fs::path& file) {
  std::error_code error;
  auto text = files::readRegular(file, mostBytes + 1, error);
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (!text)
    throw CommandError(EX_NOINPUT, fmt::format("{}: cannot be read ({})", file.string(), error.message()));
  if (text->size() > mostBytes)
    throw CommandError(
        EX_DATAERR,
        fmt::format("{}: is larger than 1 MiB, expected a configuration file of NAV", file.string()));
  return text;
}

[[noreturn]] void cannotWrite(const fs::path& file, int error) {
  throw CommandError(EX_CANTCREAT,
                     fmt::format("{}: {}; nothing was written", file.string(), strerror(error)));
}

void writeNew(const fs::path& file, const NewFile& wanted) {
  kj::AutoCloseFd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) cannotWrite(file, errno);
  for (std::size_t done = 0; done < wanted.content.size();) {
    const ssize_t n = write(fd.get(), wanted.content.data() + done, wanted.content.size() - done);
    if (n < 0 && errno != EINTR) cannotWrite(file, errno);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  if (fchmod(fd.get(), wanted.mode) != 0) cannotWrite(file, errno);
}

/// Writes all files or none.
void writeAll(const fs::path& output, const std::vector<NewFile>& files) {
  for (const auto& file : files)
    if (std::error_code error; fs::exists(fs::symlink_status(output / file.path, error)))
      throw CommandError(
          EX_CANTCREAT,
          fmt::format("{}: exists already; nothing was written, name another folder with --output",
                      (output / file.path).string()));
  std::error_code error;
  fs::create_directories(output / "dispatchers", error);
  if (error) cannotWrite(output / "dispatchers", error.value());
  std::vector<fs::path> written;
  try {
    for (const auto& file : files) {
      writeNew(output / file.path, file);
      written.push_back(output / file.path);
    }
  } catch (const CommandError&) {
    for (const auto& file : written) fs::remove(file, error);
    throw;
  }
}

void print(const NavImport& import, const fs::path& output) {
  for (const auto& file : import.files)
    io::print(fmt::format("wrote {}, mode {:04o}\n", (output / file.path).string(), file.mode));
  for (const auto& note : import.notes) io::print(fmt::format("note: {}\n", text::printable(note)));
  for (const auto& todo : import.todo) io::print(fmt::format("to do: {}\n", text::printable(todo)));
  io::print(fmt::format(
      "You own these files now: give them to smsd's user, then run `smsctl --config {} config check`.\n",
      (output / "smsd.yaml").string()));
}

}  // namespace

NavFiles readNavFiles(const fs::path& folder) {
  NavFiles files;
  auto smsd = read(folder / "smsd.conf");
  if (!smsd)
    throw CommandError(EX_NOINPUT,
                       fmt::format("{}: not found, expected NAV's configuration there (NAV's own folder is "
                                   "/etc/nav)",
                                   (folder / "smsd.conf").string()));
  files.smsd = std::move(*smsd);
  files.nav = read(folder / "nav.conf");
  files.db = read(folder / "db.conf");
  return files;
}

int importNav(const fs::path& folder, const fs::path& output, Form form) {
  const fs::path target = fs::absolute(output).lexically_normal();
  const NavImport import = importNav(readNavFiles(folder), target);
  if (!import.problems.empty()) throw CommandError(EX_DATAERR, config::describe(import.problems));
  writeAll(target, import.files);
  if (form == Form::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& file : import.files) list.push_back((target / file.path).string());
    io::print(dump({{"files", list}, {"notes", import.notes}, {"to_do", import.todo}}));
  } else {
    print(import, target);
  }
  return import.todo.empty() ? EX_OK : 1;
}

}  // namespace smsd::smsctl
