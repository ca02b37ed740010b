// SPDX-License-Identifier: GPL-3.0-or-later
// The serial line to a modem.
//
// Owns the worker's descriptor of the device, the lock on the device (flock and TIOCEXCL) for as long as the
// modem is used, and the dialogue, which reads every byte received. The worker's own commands go through
// ask(); libgammu's come over the bridge. Called by the modem on its thread, and by the bridge's thread while
// libgammu waits in a call, never by both at once. Never waits longer than its caller allows. Reports
// failures by return values and throws nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "workers/gammu/dialogue.h"

namespace smsd::gammu {

enum class LineError { none, absent, noPermission, inUse, failed };

class SerialLine {
 public:
  using Milliseconds = std::chrono::milliseconds;

  SerialLine() = default;
  ~SerialLine() { close(); }
  SerialLine(const SerialLine&) = delete;
  SerialLine& operator=(const SerialLine&) = delete;

  LineError open(const std::string& device, unsigned speed);
  void close();
  bool isOpen() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// Whether the device has gone away.
  bool hungUp() const;

  /// Discards the bytes that were received but not read, and those that were written but not sent.
  void flush();
  /// Reads further bytes of the modem until none has come for `quiet`, but for half a second at most.
  void readUntilQuiet(Milliseconds silence);
  /// Forgets the current command. For use when the modem has been made to forget it, too.
  void forgetCommand() { dialogue_ = {}; }
  /// Sends `command`, which has no line end, and waits up to `within`. Returns only the lines that belong to
  /// it.
  AtReply ask(std::string_view command, Milliseconds within);
  void write(std::string_view bytes, Milliseconds within);
  /// Reads the bytes that are available. Returns false if the modem is gone.
  bool receive();
  /// Accepts an answer that has been held for 300 ms. Returns how long the caller may wait before it has to
  /// call acceptHeld() again, at most `wait`.
  Milliseconds acceptHeld(Milliseconds wait);
  AtDialogue& dialogue() { return dialogue_; }
  const AtDialogue& dialogue() const { return dialogue_; }

  /// May be called on any thread. Until resume(), current and later commands end within 50 ms, as silence.
  void interrupt() { interrupted_ = true; }
  void resume() { interrupted_ = false; }
  bool isInterrupted() const { return interrupted_; }

 private:
  bool waitFor(short events, std::chrono::steady_clock::time_point end) const;

  int fd_ = -1;
  AtDialogue dialogue_;
  std::optional<std::chrono::steady_clock::time_point> heldSince_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace smsd::gammu
