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
#include <iterator>
#include <utility>

#include "common/text/utf.h"

namespace smsd::journal {
namespace {

// The bound of a text or field. The longest is a list of message ids, at most a batch of them. journald cuts
// at 48 KiB by default.
constexpr std::size_t mostBytes = 16384;
constexpr std::size_t usualFields = 10;

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
  // Formatted once for all entries of a second, because under load there are hundreds.
  static thread_local time_t second = -1;
  static thread_local std::string text;
  if (std::exchange(second, now.tv_sec) != now.tv_sec) {
    tm local{};
    localtime_r(&now.tv_sec, &local);
    char buffer[32];
    text.assign(buffer, strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &local));
  }
  return fmt::format("{}.{:03}", text, now.tv_nsec / 1'000'000);
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
  fields_.reserve(usualFields);
  if (!messageId.empty()) field("MESSAGE_ID", messageId);
  if (!event.empty()) field("SMSD_EVENT", event);
}

Entry& Entry::field(std::string_view name, std::string_view value) {
  std::string& line = fields_.emplace_back();
  line.reserve(name.size() + 1 + value.size());
  line.append(name) += '=';
  line += text::printable(value, mostBytes);
  return *this;
}

std::string_view Entry::value(std::string_view name) const {
  for (const std::string_view line : fields_)
    if (line.starts_with(name) && line.substr(name.size()).starts_with('='))
      return line.substr(name.size() + 1);
  return {};
}

void Entry::write() const {
  send();
  if (watch) watch(*this);
}

void Entry::send() const {
  if (always || stderrIsJournal()) {
    const std::string first[] = {"MESSAGE=" + text_, fmt::format("PRIORITY={}", static_cast<int>(level_)),
                                 "SYSLOG_IDENTIFIER=" + identifier};
    std::vector<iovec> parts;
    parts.reserve(std::size(first) + fields_.size());
    // sd_journal_sendv() only reads them.
    auto add = [&parts](const std::string& line) {
      parts.push_back({const_cast<char*>(line.data()), line.size()});
    };
    for (const std::string& line : first) add(line);
    for (const std::string& line : fields_) add(line);
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
