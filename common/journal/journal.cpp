// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/journal/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "common/text/utf.h"

namespace smsd::journal {
namespace {

// The bound of a text or field. The longest is a list of message ids, at most a batch of them. journald cuts
// at 48 KiB by default.
constexpr std::size_t mostBytes = 16384;

std::string identifier = "smsd";
bool always = false;  // write to journald, wherever stderr goes
thread_local std::function<void(const Entry&)> watch;

/// Returns true if stderr is the journal's stream. systemd sets JOURNAL_STREAM to the device:inode of the
/// stream that it passes as stderr (systemd.exec(5)). A shell that redirects stderr passes on the variable
/// only.
bool stderrIsJournal() {
  static const bool answer = [] {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat st {};
    if (stream == nullptr || fstat(STDERR_FILENO, &st) != 0) return false;
    return fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
  }();
  return answer;
}

std::string timeNow() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  char text[32];
  std::size_t length = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return fmt::format("{}.{:03}", std::string_view(text, length), now.tv_nsec / 1'000'000);
}

}  // namespace

std::string_view nameOf(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warning:
      return "warning";
    case Level::notice:
      return "notice";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "?";
}

void open(const std::string& name) {
  identifier = name;
  // libsystemd opens its socket for the first entry and keeps it.
  if (stderrIsJournal()) Entry(Level::debug, "starts").write();
}

void openForCommand(const std::string& name) {
  identifier = name;
  always = true;
}

Entry::Entry(Level level, const std::string& text, std::string_view event, std::string_view messageId)
    : level_(level), text_(text::printable(text, mostBytes)) {
  if (!messageId.empty()) field("MESSAGE_ID", std::string(messageId));
  if (!event.empty()) field("SMSD_EVENT", std::string(event));
}

Entry& Entry::field(std::string_view name, const std::string& value) {
  fields_.emplace_back(std::string(name), text::printable(value, mostBytes));
  return *this;
}

std::string_view Entry::value(std::string_view name) const {
  for (const auto& [known, value] : fields_)
    if (known == name) return value;
  return {};
}

void Entry::write() const {
  send();
  if (watch) watch(*this);
}

void Entry::send() const {
  if (always || stderrIsJournal()) {
    std::vector<std::string> lines;
    lines.reserve(fields_.size() + 3);
    lines.push_back("MESSAGE=" + text_);
    lines.push_back(fmt::format("PRIORITY={}", static_cast<int>(level_)));
    lines.push_back("SYSLOG_IDENTIFIER=" + identifier);
    for (const auto& [name, value] : fields_) lines.push_back(fmt::format("{}={}", name, value));
    std::vector<iovec> parts;
    parts.reserve(lines.size());
    for (auto& line : lines) parts.push_back({line.data(), line.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
    return;
  }
  // Use one write, so that the lines of several processes on one stderr do not mix.
  std::string line = fmt::format("{} {} {}: {}\n", timeNow(), identifier, nameOf(level_), text_);
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

Watch::Watch(std::function<void(const Entry&)> heard) { watch = std::move(heard); }
Watch::~Watch() { watch = nullptr; }

}  // namespace smsd::journal
