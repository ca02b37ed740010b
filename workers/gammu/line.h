// The serial line to a modem, spoken to directly: what libgammu does not ask, cannot be told to ask in a
// second, or would ask twice.
//
// Owns one descriptor of the device, and with it the lock on it (flock) for as long as the modem is used.
// Called by the modem on its thread, only while libgammu, which has the device open too, is not reading.
// Never waits longer than it is told. Fails by saying what it ran into; throws nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

enum class LineError { none, absent, noPermission, held, failed };

/// What came back for a command.
struct Reply {
  enum class End { ok, error, cme, cms, silence, gone };
  End end = End::silence;
  int number = -1;                 // of cme and cms
  std::vector<std::string> lines;  // without echo and end; at most 32, of at most 200 bytes
  /// What follows `prefix` in the first line that starts with it.
  std::optional<std::string> after(std::string_view prefix) const;
};

class Line {
 public:
  using Milliseconds = std::chrono::milliseconds;

  Line() = default;
  ~Line() { close(); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  LineError open(const std::string& device, unsigned speed);
  void close();
  bool isOpen() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// Has the device gone away?
  bool hungUp() const;

  /// Throws away what has come so far.
  void flush();
  /// The same, until nothing has come for so long.
  void drain(Milliseconds quiet);
  /// Gives the lock up for who has the device open in this process, too.
  void yieldLock();
  /// `command` without its end. A line that nobody asked for is left out where it can be told.
  Reply ask(std::string_view command, Milliseconds within);
  void write(std::string_view bytes, Milliseconds within);

  /// From any thread: what waits, and what is asked from now on, ends at once as silence.
  void interrupt() { interrupted_ = true; }
  void resume() { interrupted_ = false; }
  bool isInterrupted() const { return interrupted_; }

 private:
  bool waitFor(short events, std::chrono::steady_clock::time_point end) const;

  int fd_ = -1;
  std::atomic<bool> interrupted_{false};
};

}  // namespace smsd::gammu
