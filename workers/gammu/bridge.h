// The line as libgammu sees it: a pseudo terminal of this process, behind which the dialogue stands.
//
// Owns the pseudo terminal, and the thread that carries bytes between it and the modem's line while libgammu
// waits in a call. Made before the process is locked in, as the lock allows no other terminal. Called by the
// modem on its thread. Throws std::runtime_error where the system has no pseudo terminal to give.
#pragma once

#include <kj/io.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "workers/gammu/line.h"

namespace smsd::gammu {

class Bridge {
 public:
  Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  /// The device for libgammu to open.
  const std::string& path() const { return path_; }
  /// Throws away what is under way in both directions.
  void clear();

  /// Carries what comes within `wait`, in both directions. False: the modem is gone.
  bool carry(Line& line, std::chrono::milliseconds wait);
  /// Ends a carry() that waits, from any thread.
  void wake();

 private:
  bool toModem(Line& line);
  void toDriver(Line& line);

  kj::AutoCloseFd near_;  // this side
  kj::AutoCloseFd far_;   // libgammu's, kept open so that its closing does not hang up the terminal
  kj::AutoCloseFd wake_;
  std::string path_;
};

/// Carries until it is destroyed. `onGone` is called on the carrying thread when the modem is gone.
class Carrier {
 public:
  Carrier(Bridge& bridge, Line& line, std::function<void()> onGone);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

 private:
  Bridge& bridge_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace smsd::gammu
