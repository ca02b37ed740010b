// The serial line to a modem.
//
// Owns the only descriptor of the device, the lock on it (flock and TIOCEXCL) for as long as the modem is
// used, and the dialogue, which reads every byte that comes. The worker's own questions go through ask();
// libgammu's come over the bridge. Called by the modem on its thread, and by the bridge's while libgammu
// waits in a call, never by both. Never waits longer than it is told. Fails by saying what it ran into;
// throws nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "workers/gammu/dialogue.h"

namespace smsd::gammu {

enum class LineError { none, absent, noPermission, held, failed };

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
  /// The same, until nothing has come for `quiet`, or for half a second where the modem never stops talking.
  void drain(Milliseconds quiet);
  /// Forgets the command under way, for a modem that was told to forget it.
  void startOver() { dialogue_ = {}; }
  /// `command` without its end. The reply has only the lines that belong to `command`.
  Reply ask(std::string_view command, Milliseconds within);
  void write(std::string_view bytes, Milliseconds within);
  /// Reads what is there. False: the modem is gone.
  bool receive();
  /// Settles an answer that was held long enough. Returns how long one may be held still, at most `wait`.
  Milliseconds settle(Milliseconds wait);
  Dialogue& dialogue() { return dialogue_; }
  const Dialogue& dialogue() const { return dialogue_; }

  /// From any thread: what waits, and what is asked from now on, ends at once as silence.
  void interrupt() { interrupted_ = true; }
  void resume() { interrupted_ = false; }
  bool isInterrupted() const { return interrupted_; }

 private:
  bool waitFor(short events, std::chrono::steady_clock::time_point end) const;

  int fd_ = -1;
  Dialogue dialogue_;
  std::optional<std::chrono::steady_clock::time_point> heldSince_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace smsd::gammu
