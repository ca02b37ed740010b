// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/debug/debug.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/fault.h"
#include "common/files/regular-file.h"
#include "common/journal/journal.h"
#include "common/text/utf.h"

namespace smsd::debug {
namespace {

using namespace std::chrono_literals;

const std::vector<std::pair<std::string, Result>> words = {
    {"accept", Result::accept},
    {"refuse", Result::refuse},
    {"defer", Result::defer},
    {"break", Result::broken},
    {"unknown", Result::unknown},
    {"crash", Result::crash},
    {"hang", Result::hang},
    {"freeze", Result::freeze},
    {"slow", Result::slow},
    {"lie", Result::lie},
    // NAV's words for its DebugDispatcher (python/nav/smsd/debugdispatcher.py)
    {"success", Result::accept},
    {"fail", Result::defer},
    {"permanent", Result::broken},
    {"error", Result::defer}};

std::string now() {
  timespec at{};
  clock_gettime(CLOCK_REALTIME, &at);
  tm utc{};
  gmtime_r(&at.tv_sec, &utc);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", text, at.tv_nsec / 1'000'000);
}

kj::AutoCloseFd opened(const std::string& key, const std::filesystem::path& path, int how) {
  std::error_code why;
  kj::AutoCloseFd fd(files::openRegular(path, how, why));
  if (fd.get() < 0) throw Explained("cannot open `" + key + "` " + path.string() + ": " + why.message());
  return fd;
}

/// Throws unless the file is empty or begins like a file of this dispatcher, so that a queue's file or a log
/// that `file` names by mistake is not written to.
void requireOwn(int fd, const std::filesystem::path& path) {
  struct stat status {};
  char first = 0;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || pread(fd, &first, 1, 0) <= 0 || first == '{')
    return;
  throw Explained("`file` " + path.string() +
                  " has other contents, expected no file, an empty file, or a file that a debug "
                  "dispatcher has written");
}

/// Writes to the socket of the RPC system, past that system. In spawn mode the socket is descriptor 3.
void sendRaw(const std::string& bytes) {
  [[maybe_unused]] ssize_t written = ::write(3, bytes.data(), bytes.size());
}

}  // namespace

void DebugDispatcher::declare(config::Keys& keys) {
  keys.choice("result", settings_.result, words,
              "the result of each SMS: accept, refuse, defer, break, unknown; crash (the process dies), "
              "hang (no answer), freeze (the whole process stops), slow (accepts after `delay`), lie "
              "(sends false reports); or NAV's success, fail, permanent, error");
  keys.choice(
      "lie", settings_.lie,
      {{"stranger", Lie::stranger},
       {"former", Lie::former},
       {"twice", Lie::twice},
       {"again", Lie::again},
       {"flood", Lie::flood},
       {"verbose", Lie::verbose},
       {"garbage", Lie::garbage},
       {"half", Lie::half},
       {"nothing", Lie::nothing},
       {"untouched", Lie::untouched}},
      "the report of `result: lie`, in the order of the words: an outcome for an attempt that was never "
      "handed over, or for the former one, two outcomes for one attempt, begun again and again, "
      "outcomes without end, a reason of a megabyte, bytes that are no message, half a message and "
      "then silence, an empty report, every SMS given back before it is begun");
  keys.path("file", settings_.file,
            "the file to which each accepted SMS is appended, one JSON object a line; without it, the worker "
            "logs an entry without the text");
  keys.example("file", "/var/lib/smsd/sent.json");
  keys.path(
      "condition", settings_.condition,
      "a file that is read at each health query: if it is empty, the worker is ready; `hang`: the worker "
      "never answers; any other text is the reason why it is broken");
  keys.example("condition", "/run/smsd/condition");
  keys.duration("delay", settings_.delay, {0ms, 24h}, "how long an answer takes");
  keys.duration("start_delay", settings_.startDelay, {0ms, 1h}, "how long the worker takes to become ready");
  keys.integer("window", settings_.window, {1, 4096}, "SMS that the worker works on at once");
  keys.integer("backlog", settings_.backlog, {0, 4096}, "SMS accepted ahead of the window");
  keys.integer("after", settings_.after, {0, 1'000'000'000}, "accept this many SMS before `result` applies");
  keys.flag("knows_keys", settings_.knowsKeys, "claim that the gateway drops a second SMS with the same key");
  keys.list<When>(
      "when", settings_.when,
      [](config::Keys& entry, When& when) {
        entry.text("recipient", when.recipient, "the number that the rule applies to");
        entry.example("recipient", "\"+4799887766\"");
        entry.text("text", when.text, "a text that the SMS has to contain");
        entry.example("text", "down");
        entry.choice("result", when.result, words, "the result of these SMS, as in `result`");
        entry.integer("times", when.times, {0, 1'000'000'000}, "how often the rule applies; 0: always");
      },
      "rules for some SMS: the first rule that matches decides");
}

sandbox::Policy DebugDispatcher::policy() {
  if (!settings_.file.empty()) {
    file_ = opened("file", settings_.file, O_RDWR | O_APPEND | O_CREAT);
    requireOwn(file_.get(), settings_.file);
  }
  if (!settings_.condition.empty()) condition_ = opened("condition", settings_.condition, O_RDONLY | O_CREAT);
  return {};  // the descriptors are open: no path has to stay reachable
}

kj::Promise<void> DebugDispatcher::start(kj::AsyncIoContext& io) {
  timer_ = &io.provider->getTimer();
  return timer_->afterDelay(static_cast<std::uint64_t>(settings_.startDelay.count()) * kj::MILLISECONDS);
}

kit::Traits DebugDispatcher::traits() const {
  return {.kind = "debug",
          .window = static_cast<unsigned>(settings_.window),
          .backlog = static_cast<unsigned>(settings_.backlog),
          .knowsKeys = settings_.knowsKeys};
}

kj::Promise<kit::Condition> DebugDispatcher::health() {
  char buffer[256];
  ssize_t got = condition_.get() < 0 ? 0 : pread(condition_.get(), buffer, sizeof buffer, 0);
  std::string said(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (said == "hang") return kj::NEVER_DONE;
  return kit::Condition{said, {{"SMS", std::to_string(seen_)}}};
}

Result DebugDispatcher::resultFor(const kit::Job& job) {
  for (auto& when : settings_.when) {
    if (!when.recipient.empty() && when.recipient != job.recipient) continue;
    if (!when.text.empty() && job.text.find(when.text) == std::string::npos) continue;
    if (when.times < 0) continue;  // used up
    if (when.times > 0 && --when.times == 0) when.times = -1;
    return when.result;
  }
  return seen_++ < settings_.after ? Result::accept : settings_.result;
}

void DebugDispatcher::write(const kit::Job& job) {
  if (file_.get() < 0) {
    journal::Entry(journal::Level::info,
                   fmt::format("would send an SMS of {} bytes, attempt {}", job.text.size(), job.attempt))
        .write();
    return;
  }
  nlohmann::ordered_json line = {{"recipient", job.recipient},
                                 {"text", job.text},
                                 {"key", job.key},
                                 {"attempt", job.attempt},
                                 {"at", now()}};
  std::string text =
      text::escapedJson(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) + "\n";
  if (torn_) text.insert(0, "\n");
  const ssize_t written = ::write(file_.get(), text.data(), text.size());
  const bool whole = written == static_cast<ssize_t>(text.size());
  if (written > 0) torn_ = !whole;
  if (written >= 0 && !whole) errno = ENOSPC;
  if (!whole) throw std::system_error(errno, std::generic_category(), "cannot write to `file`");
}

kj::Promise<kit::Outcome> DebugDispatcher::send(kit::Job job) {
  Result result = resultFor(job);
  if (settings_.delay == 0ms) return answer(result, job);
  return timer_->afterDelay(static_cast<std::uint64_t>(settings_.delay.count()) * kj::MILLISECONDS)
      .then([this, result, job = std::move(job)]() { return answer(result, job); });
}

kj::Promise<kit::Outcome> DebugDispatcher::answer(Result result, const kit::Job& job) {
  switch (result) {
    case Result::accept:
    case Result::slow:
      write(job);
      return kit::Outcome(kit::Accepted{std::to_string(job.attempt)});
    case Result::refuse:
      return kit::Outcome(kit::Refused{"told to refuse"});
    case Result::defer:
      return kit::Outcome(kit::Deferred{"told to defer"});
    case Result::broken:
      return kit::Outcome(kit::Broken{"told to be broken"});
    case Result::unknown:
      write(job);
      return kit::Outcome(kit::Unknown{"told not to know"});
    case Result::crash:
      raise(SIGKILL);
      KJ_UNREACHABLE;
    case Result::hang:
      return kj::NEVER_DONE;
    case Result::freeze:
      raise(SIGSTOP);
      return kj::NEVER_DONE;
    case Result::lie:
      return lie(job);
  }
  KJ_UNREACHABLE;
}

kj::Promise<kit::Outcome> DebugDispatcher::lie(const kit::Job& job) {
  // Far above any attempt that was handed over.
  const std::uint64_t stranger = job.attempt + 1'000'000'000;
  switch (settings_.lie) {
    case Lie::stranger:
      raw_->report(stranger, kit::Accepted{"nobody asked"});
      break;
    case Lie::former:
      raw_->report(job.attempt - 1, kit::Accepted{"yesterday"});
      break;
    case Lie::twice:
      raw_->report(job.attempt, kit::Accepted{"first"});
      return kit::Outcome(kit::Refused{"second"});
    case Lie::again:
      raw_->reportBegun(job.attempt);
      return timer_->afterDelay(10 * kj::MILLISECONDS).then([this, job]() { return lie(job); });
    case Lie::flood:
      // About as many as one message may hold, repeated until the supervisor ends the worker.
      for (std::uint64_t i = 0; i < 50'000; ++i) raw_->report(stranger + i, kit::Accepted{""});
      return timer_->afterDelay(1 * kj::MILLISECONDS).then([this, job]() { return lie(job); });
    case Lie::verbose:
      raw_->report(job.attempt, kit::Refused{std::string(1'000'000, 'x')});
      break;
    case Lie::garbage:
      sendRaw(std::string(65'536, '\xa5'));
      break;
    // Announces one segment of 16 words, but sends two words.
    case Lie::half:
      sendRaw(std::string("\0\0\0\0\x10\0\0\0", 8) + std::string(16, '\0'));
      raise(SIGSTOP);
      break;
    case Lie::nothing:
      raw_->reportNothing();
      break;
    case Lie::untouched:
      raw_->reportNotBegun(job.attempt);
      return kit::Outcome(kit::Unknown{"nobody hears this"});
  }
  return kj::NEVER_DONE;
}

}  // namespace smsd::debug
